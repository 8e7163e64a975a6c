import type { Dispatcher } from 'undici'

/** The headers of a request with the host of the requested url as Host; those that have a Host already as they are. */
export function withHost({ headers, origin }: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions['headers'] {
  if (origin === undefined) return headers
  const host = new URL(origin).host
  if (headers === undefined || headers === null) return { host }
  if (Array.isArray(headers)) {
    return headers.some((name, i) => i % 2 === 0 && isHost(name)) ? headers : [...headers, 'host', host]
  }
  if (Symbol.iterator in headers) {
    const pairs = [...(headers as Iterable<[string, string]>)]
    return pairs.some(([name]) => isHost(name)) ? pairs.flat() : [...pairs.flat(), 'host', host]
  }
  return Object.keys(headers).some(isHost) ? headers : { ...headers, host }
}

function isHost(name: string): boolean {
  return name.length === 4 && name.toLowerCase() === 'host'
}
