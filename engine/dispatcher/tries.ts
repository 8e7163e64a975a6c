import type { Dispatcher } from 'undici'
import { Tried } from '../memory/tried.ts'

/** What a composed dispatcher puts on the options; a symbol, so that interceptors that copy them take it along. */
const REQUEST = Symbol('signalbox.request')

type Stamped = Dispatcher.DispatchOptions & { [REQUEST]?: object }

/** Marks the options of one request, so that every try of it is known, whatever interceptors do on the way. */
export function stamp(options: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions {
  if ((options as Stamped | undefined)?.[REQUEST] !== undefined) return options
  return { ...options, [REQUEST]: {} } as Stamped
}

/**
 * Which endpoints a request has failed at, so that its next try goes elsewhere.
 *
 *   composed      dispatcher.compose(…): the stamp that all tries of one request share
 *   otherwise     the handler: undici's retry handler hands itself over again for each try
 *
 * Written on failure alone and forgotten with the first success: a handler that serves many requests avoids an endpoint
 * no longer than until then.
 */
export class Tries {
  readonly #tried = new WeakMap<object, Tried>()

  /** What the tries of a request are known by. */
  static requestOf(options: Dispatcher.DispatchOptions, handler: object): object {
    return (options as Stamped)[REQUEST] ?? handler
  }

  of(request: object): Tried | undefined {
    return this.#tried.get(request)
  }

  add(request: object, row: number): void {
    let tried = this.#tried.get(request)
    if (tried === undefined) this.#tried.set(request, (tried = new Tried()))
    tried.add(row)
  }

  forget(request: object): void {
    this.#tried.delete(request)
  }
}
