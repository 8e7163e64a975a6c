/**
 * signalbox/undici: the router as an undici Dispatcher, for `fetch(url, { dispatcher })`, `request`, `setGlobalDispatcher`
 * and whatever else takes one.
 */
export { RoutedDispatcher, type RoutedDispatcherOptions } from './dispatcher/routed-dispatcher.ts'
