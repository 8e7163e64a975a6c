import { Dispatcher, errors, type Pool } from 'undici'
import { Box } from '../box/box.ts'
import { validateConfig } from '../config/load.ts'
import type { TimeoutsConfig } from '../config/schema.ts'
import { type ErrorCode, SignalboxError } from '../errors.ts'
import { CLASS, type RequestClass } from '../memory/classes.ts'
import { hashKey } from '../memory/hash-key.ts'
import { type Attachment, attach } from '../router/attachment.ts'
import { PICK, Router } from '../router/router.ts'
import type { SubsetOptions } from '../router/subset.ts'
import { Attempt } from './attempt.ts'
import { CallbackAttempt } from './callback-attempt.ts'
import { ControllerAttempt } from './controller-attempt.ts'
import { EndpointPools } from './endpoint-pools.ts'
import { checkHandler, type Handler, refuse, takesController } from './handler-style.ts'
import { withHost } from './host-header.ts'
import { stamp, Tries } from './tries.ts'

export interface RoutedDispatcherOptions extends SubsetOptions {
  /** How dear the requests are, see CLASS; the cheaper ones are turned away first. Default CLASS.CRITICAL. */
  requestClass?: RequestClass
  /** Keeps what belongs together at one endpoint, where the policy heeds it: a key of the request, or its 32-bit hash. */
  hash?: (options: Dispatcher.DispatchOptions) => string | number
  /**
   * Sends the host of the requested url as Host, instead of the endpoint's own. A Host header of the request's wins over
   * both. Default false.
   */
  preserveHost?: boolean
  /** What the pool of each endpoint is made with, see undici's PoolOptions; over the timeouts of the service. */
  pool?: Pool.Options
}

/**
 * Sends each request to an endpoint of a service, in place of the origin it names:
 *
 *   dispatch ──▶ pick ──▶ pool of the endpoint ──▶ handler, in the style it has
 *                 ▲                                   │
 *                 └───────────── settle ◀─────────────┘ exactly once, however the request ends
 *
 * What it settles with: `ok` for an answer below 500, `gateway` for 502, 503 and 504, `error` for any other from 500 on and
 * for one that breaks off, `unreachable` for an endpoint that refuses or breaks before it answers, `timeout` for one that
 * is too slow, `abandoned` for a request that was withdrawn or is at fault itself. An answer counts when its last byte
 * has come, an upgraded connection when it closes.
 *
 * Where no endpoint may be picked, the handler gets an SBX_NO_ENDPOINT, SBX_OVERLOADED, SBX_BREAKER_OPEN or SBX_SHED; where
 * the service's budget of retries is spent, an SBX_RETRY_BUDGET_SPENT. Retries are interceptors composed around it
 * (`dispatcher.compose(interceptors.retry())`) or a RetryAgent: a request that failed at one endpoint is tried at
 * another while there is one.
 *
 * It belongs to its thread, keeps no process alive, and closes neither the box nor the router.
 */
export class RoutedDispatcher extends Dispatcher {
  readonly service: string
  readonly #attachment: Attachment
  readonly #router: Router
  readonly #pools: EndpointPools
  readonly #tries = new Tries()
  readonly #hash: RoutedDispatcherOptions['hash']
  readonly #preservesHost: boolean
  readonly #requestClass: number
  #closing: Promise<void> | undefined
  #destroying: Promise<void> | undefined
  #isDestroyed = false
  #onDestroyed = (): void => {}

  /**
   * From a box, or in any thread from its handle. Throws SBX_SERVICE_UNKNOWN, SBX_BOX_CLOSED, what `attachRouter` throws,
   * and undici's InvalidArgumentError for pool options it does not take.
   */
  constructor(boxOrHandle: Box | unknown, service: string, options: RoutedDispatcherOptions = {}) {
    super()
    this.service = service
    let timeouts: TimeoutsConfig
    if (boxOrHandle instanceof Box) {
      this.#router = boxOrHandle.router(service, options)
      this.#attachment = boxOrHandle.attachment
      timeouts = boxOrHandle.config.services[service].timeouts
    } else {
      this.#attachment = attach(boxOrHandle)
      this.#router = new Router(this.#attachment, service, options)
      timeouts = defaultTimeouts()
    }
    this.#hash = options.hash
    this.#requestClass = options.requestClass ?? CLASS.CRITICAL
    this.#preservesHost = options.preserveHost === true
    const upstreamOf = () => this.#attachment.findService(service).text.upstream
    this.#pools = new EndpointPools(this.#attachment, timeouts, options.pool, upstreamOf, pool => this.#announce(pool))
    // Composed dispatchers are proxies before this object: through them these would not find the private fields.
    this.dispatch = this.dispatch.bind(this)
    this.close = this.close.bind(this) as typeof this.close
    this.destroy = this.destroy.bind(this) as typeof this.destroy
  }

  get closed(): boolean {
    return this.#closing !== undefined || this.#isDestroyed
  }

  get destroyed(): boolean {
    return this.#isDestroyed
  }

  /**
   * Sends one request. Never throws for want of an endpoint: all that can go wrong reaches the handler's error method.
   * False: the endpoint's pool has as many requests as it may have (`pool.connections`), wait for `drain`.
   */
  override dispatch(options: Dispatcher.DispatchOptions, given: Dispatcher.DispatchHandler): boolean {
    const handler = given as Handler
    if (typeof handler !== 'object' || handler === null) {
      throw new errors.InvalidArgumentError('handler must be an object')
    }
    let sending: Dispatcher.DispatchOptions
    let hash: number
    try {
      this.#check(options, handler)
      hash = this.#hashOf(options)
      sending = this.#preservesHost ? { ...options, headers: withHost(options) } : { ...options }
    } catch (error) {
      refuse(handler, error)
      return false
    }
    const request = Tries.requestOf(options, handler)
    const router = this.#router
    const isRetry = this.#tries.of(request) !== undefined
    if (isRetry && !router.tryRetry()) {
      refuse(handler, this.#budgetSpent())
      return true
    }
    const ticket = this.#pick(hash, request)
    if (ticket < 0) {
      if (isRetry) router.endRetry()
      refuse(handler, this.#noTicket(ticket))
      return true
    }
    const endpoint = router.endpoint(ticket)
    sending.origin = endpoint.url
    // undici reconnects where it changes, and takes it from each request's Host where it is not said; who connects is our dialer.
    if (endpoint.url.startsWith('https:')) (sending as { servername?: string }).servername ??= endpoint.id
    const isDestroyed = (): boolean => this.#isDestroyed
    const { body } = sending
    const attempt = new Attempt({ router, hash, ticket, tries: this.#tries, request, body, isRetry, isDestroyed })
    const wrapped = takesController(handler)
      ? new ControllerAttempt(attempt, handler)
      : new CallbackAttempt(attempt, handler)
    return this.#pools.of(endpoint).dispatch(sending, wrapped as Dispatcher.DispatchHandler)
  }

  /** Interceptors around this dispatcher, as everywhere in undici; what they repeat counts as tries of one request. */
  override compose(interceptors: Dispatcher.DispatcherComposeInterceptor[]): Dispatcher.ComposedDispatcher
  override compose(...interceptors: Dispatcher.DispatcherComposeInterceptor[]): Dispatcher.ComposedDispatcher
  override compose(...interceptors: unknown[]): Dispatcher.ComposedDispatcher {
    const composed = super.compose(...(interceptors as Dispatcher.DispatcherComposeInterceptor[]))
    const { dispatch } = composed
    const stamped: Dispatcher.Dispatch = (options, handler) => dispatch(stamp(options), handler)
    return new Proxy(composed, { get: (target, key) => (key === 'dispatch' ? stamped : Reflect.get(target, key)) })
  }

  /** Takes no new requests and resolves when those in flight are over and all connections closed. As often as you like. */
  override close(): Promise<void>
  override close(callback: () => void): void
  override close(callback?: () => void): Promise<void> | void {
    this.#closing ??= this.#destroying ?? this.#close()
    return answer(this.#closing, callback)
  }

  /** Ends all requests with an error and closes all connections at once. As often as you like. */
  override destroy(): Promise<void>
  override destroy(error: Error | null): Promise<void>
  override destroy(callback: () => void): void
  override destroy(error: Error | null, callback: () => void): void
  override destroy(errorOrCallback?: Error | null | (() => void), callback?: () => void): Promise<void> | void {
    const isCallback = typeof errorOrCallback === 'function'
    this.#destroying ??= this.#destroy(isCallback ? undefined : errorOrCallback)
    return answer(this.#destroying, isCallback ? errorOrCallback : callback)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #close(): Promise<void> {
    return new Promise(resolve => {
      // A pool that is destroyed while requests queue in it never says that it is closed.
      this.#onDestroyed = resolve
      void this.#pools.close().then(() => this.destroy())
    })
  }

  async #destroy(error?: Error | null): Promise<void> {
    // First: requests that wait in a pool end within this call, and ask whether it was this that ended them.
    this.#isDestroyed = true
    await this.#pools.destroy(error ?? new errors.ClientDestroyedError())
    this.#onDestroyed()
  }

  #check(options: Dispatcher.DispatchOptions, handler: Handler): void {
    if (typeof options !== 'object' || options === null) {
      throw new errors.InvalidArgumentError('opts must be an object.')
    }
    checkHandler(handler, options)
    if (this.#isDestroyed) throw new errors.ClientDestroyedError()
    if (this.closed) throw new errors.ClientClosedError()
  }

  #hashOf(options: Dispatcher.DispatchOptions): number {
    if (this.#hash === undefined) return 0
    const key = this.#hash(options)
    return typeof key === 'string' ? hashKey(key) : key >>> 0
  }

  #pick(hash: number, request: object): number {
    const tried = this.#tries.of(request)
    const ticket = this.#router.pick(hash, tried, this.#requestClass)
    if (ticket !== PICK.NO_ENDPOINT || tried === undefined) return ticket
    // All have been tried: another round.
    this.#tries.forget(request)
    return this.#router.pick(hash, undefined, this.#requestClass)
  }

  #noTicket(pick: number): SignalboxError {
    if (this.#attachment.isClosed) {
      return new SignalboxError(
        'SBX_BOX_CLOSED',
        `Cannot route to ${this.service}: the box was closed, create a new one and a dispatcher for it`,
      )
    }
    const [code, state] = REFUSALS[pick] ?? REFUSALS[PICK.NO_ENDPOINT]
    return new SignalboxError(
      code,
      `Cannot route to ${this.service}: ${state} now, box.explain(${JSON.stringify(this.service)}) says why`,
    )
  }

  #budgetSpent(): SignalboxError {
    return new SignalboxError(
      'SBX_RETRY_BUDGET_SPENT',
      `Cannot retry at ${this.service}: its budget of retries is spent, wait or raise retry.budget`,
    )
  }

  #announce(pool: Pool): void {
    pool.on('connect', (origin, targets) => this.emit('connect', origin, [this, ...targets]))
    pool.on('disconnect', (origin, targets, error) => this.emit('disconnect', origin, [this, ...targets], error))
    pool.on('connectionError', (origin, targets, error) =>
      this.emit('connectionError', origin, [this, ...targets], error),
    )
    pool.on('drain', origin => this.emit('drain', origin))
  }
}

const REFUSALS: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  [PICK.NO_ENDPOINT]: ['SBX_NO_ENDPOINT', 'no endpoint may be picked'],
  [PICK.OVERLOADED]: ['SBX_OVERLOADED', 'as many requests as it may have are in flight'],
  [PICK.BREAKER_OPEN]: ['SBX_BREAKER_OPEN', 'the breakers of its endpoints are open'],
  [PICK.SHED]: ['SBX_SHED', 'requests such as this are turned away'],
}

/** As undici does it: a promise, or the callback, never both; never within the call. */
function answer(promise: Promise<void>, callback: (() => void) | undefined): Promise<void> | void {
  if (callback === undefined) return promise
  if (typeof callback !== 'function') throw new errors.InvalidArgumentError('invalid callback')
  void promise.then(() => queueMicrotask(callback))
}

/** What a service has that says nothing of timeouts: a handle does not carry the config. */
function defaultTimeouts(): TimeoutsConfig {
  return validateConfig({ services: { any: {} } }).services.any.timeouts
}
