import type { Duplex } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Attempt } from './attempt.ts'

type Controller = Dispatcher.DispatchController
type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2]

/** Stands before a handler of the controller style: passes everything through, and tells the attempt. A handler that throws ends its request. */
export class ControllerAttempt implements Dispatcher.DispatchHandler {
  readonly #attempt: Attempt
  readonly #handler: Dispatcher.DispatchHandler

  constructor(attempt: Attempt, handler: Dispatcher.DispatchHandler) {
    this.#attempt = attempt
    this.#handler = handler
  }

  onRequestStart(controller: Controller, context: unknown): void {
    this.#attempt.connect()
    try {
      this.#handler.onRequestStart?.(controller, context)
    } catch (error) {
      this.#attempt.withdraw(error)
      throw error
    }
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.()
  }

  onResponseStart(controller: Controller, status: number, headers: Headers, statusMessage?: string): void {
    this.#attempt.head(status, headers)
    try {
      this.#handler.onResponseStart?.(controller, status, headers, statusMessage)
    } catch (error) {
      this.#attempt.withdraw(error)
      throw error
    }
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    try {
      this.#handler.onResponseData?.(controller, chunk)
    } catch (error) {
      this.#attempt.withdraw(error)
      throw error
    }
  }

  onResponseEnd(controller: Controller, trailers: Headers): void {
    this.#attempt.complete()
    this.#handler.onResponseEnd?.(controller, trailers)
  }

  onRequestUpgrade(controller: Controller, status: number, headers: Headers, socket: Duplex): void {
    this.#attempt.upgrade(status, socket)
    try {
      this.#handler.onRequestUpgrade?.(controller, status, headers, socket)
    } catch (error) {
      this.#attempt.withdraw(error)
      throw error
    }
  }

  onResponseError(controller: Controller, error: Error): void {
    // Not every request that fails has had a controller: one that never got a connection has none.
    if ((controller as Controller | undefined)?.aborted) this.#attempt.withdraw(controller.reason)
    this.#attempt.fail(error)
    this.#handler.onResponseError?.(controller, error)
  }
}
