import { type Dispatcher, errors } from 'undici'

/**
 * undici has had two styles of handlers: callbacks that are handed `abort` and `resume` and raw headers (undici up to 7,
 * the built-in fetch of Node 20 to 24), and methods that are handed a controller (from 7 on; alone from 8 on, the
 * built-in fetch of Node 26).
 */
export type Handler = Dispatcher.DispatchHandler | CallbackHandler

/** A handler of the callback style, with what undici 7 calls though its types do not say so. */
export interface CallbackHandler {
  onConnect(abort: (reason?: Error) => void, context?: unknown): void
  onError(error: unknown): void
  onHeaders(status: number, raw: Buffer[], resume: () => void, statusText: string): boolean
  onData(chunk: Buffer): boolean
  onComplete(trailers: Buffer[]): void
  onUpgrade(status: number, raw: Buffer[], socket: import('node:stream').Duplex): void
  onResponseStarted?(): void
  onBodySent?(chunk: Buffer): void
  onRequestSent?(): void
}

/** As undici itself tells the styles apart. */
export function takesController(handler: Handler): handler is Dispatcher.DispatchHandler {
  return Boolean((handler as Dispatcher.DispatchHandler).onRequestStart)
}

/**
 * Throws what undici throws for a handler that lacks a method it must have; a wrapper has them all, so undici's own look
 * would find nothing.
 */
export function checkHandler(handler: Handler, { method, upgrade }: Dispatcher.DispatchOptions): void {
  if (takesController(handler)) return
  for (const name of upgrade || method === 'CONNECT' ? UPGRADE_METHODS : METHODS) {
    if (typeof handler[name] !== 'function') throw new errors.InvalidArgumentError(`invalid ${name} method`)
  }
}

const METHODS = ['onConnect', 'onError', 'onHeaders', 'onData', 'onComplete'] as const
const UPGRADE_METHODS = ['onConnect', 'onError', 'onUpgrade'] as const

/** Gives an error to a handler whose request was never sent. Throws it where the handler has no method for errors. */
export function refuse(handler: Handler, error: unknown): void {
  if (takesController(handler)) {
    if (handler.onResponseError === undefined) throw error
    handler.onResponseError(new UnsentController(), error as Error)
  } else {
    if (typeof handler.onError !== 'function') throw error
    handler.onError(error)
  }
}

/** Of a request that was never sent there is nothing to pause, and it cannot be aborted any more. */
class UnsentController implements Dispatcher.DispatchController {
  readonly aborted = false
  readonly paused = false
  readonly reason = null
  readonly rawHeaders = null
  readonly rawTrailers = null
  abort(): void {}
  pause(): void {}
  resume(): void {}
}
