import type { Duplex } from 'node:stream'
import type { Attempt } from './attempt.ts'
import type { CallbackHandler } from './handler-style.ts'

/** Stands before a handler of the callback style: passes everything through, and tells the attempt. A handler that throws ends its request. */
export class CallbackAttempt implements CallbackHandler {
  readonly #attempt: Attempt
  readonly #handler: CallbackHandler

  constructor(attempt: Attempt, handler: CallbackHandler) {
    this.#attempt = attempt
    this.#handler = handler
  }

  onConnect(abort: (reason?: Error) => void, context?: unknown): void {
    this.#attempt.connect()
    try {
      this.#handler.onConnect(reason => {
        this.#attempt.withdraw(reason)
        abort(reason)
      }, context)
    } catch (error) {
      this.#attempt.withdraw(error)
      throw error
    }
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.()
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, statusText: string): boolean {
    this.#attempt.head(status, raw)
    try {
      return this.#handler.onHeaders(status, raw, resume, statusText)
    } catch (error) {
      this.#attempt.withdraw(error)
      throw error
    }
  }

  onData(chunk: Buffer): boolean {
    try {
      return this.#handler.onData(chunk)
    } catch (error) {
      this.#attempt.withdraw(error)
      throw error
    }
  }

  onComplete(trailers: Buffer[]): void {
    this.#attempt.complete()
    this.#handler.onComplete(trailers)
  }

  onUpgrade(status: number, raw: Buffer[], socket: Duplex): void {
    this.#attempt.upgrade(status, socket)
    try {
      this.#handler.onUpgrade(status, raw, socket)
    } catch (error) {
      this.#attempt.withdraw(error)
      throw error
    }
  }

  onError(error: unknown): void {
    this.#attempt.fail(error)
    this.#handler.onError(error)
  }

  onBodySent(chunk: Buffer): void {
    this.#handler.onBodySent?.(chunk)
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.()
  }
}
