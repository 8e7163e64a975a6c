import { Pool } from 'undici'
import type { TimeoutsConfig } from '../config/schema.ts'
import type { UpstreamText } from '../memory/service-text.ts'
import type { Attachment } from '../router/attachment.ts'
import type { Endpoint } from '../router/endpoint.ts'
import { Dialer, type OnDialed } from '../upstream/dialer.ts'

interface Tenancy {
  readonly endpoint: Endpoint
  readonly pool: Pool
}

/**
 * One undici pool for each endpoint a dispatcher has sent to. A pool belongs to a tenancy of a row, not to the row: the
 * endpoint object is the same one as long as the tenancy lasts. When an endpoint has left, its pool is closed by the
 * next request, once what is in flight on it is over.
 */
export class EndpointPools {
  readonly #byRow: (Tenancy | undefined)[] = []
  /** Pools of endpoints that left, while they finish. */
  readonly #leaving = new Set<Pool>()
  readonly #attachment: Attachment
  readonly #options: Pool.Options
  readonly #connectMs: number
  readonly #upstreamOf: () => UpstreamText | undefined
  readonly #onPool: (pool: Pool) => void
  #seen = 0

  /** `upstreamOf` says how the service is connected to; `onPool` is handed each pool when it is made. Throws undici's InvalidArgumentError for options it does not take. */
  constructor(
    attachment: Attachment,
    timeouts: TimeoutsConfig,
    options: Pool.Options | undefined,
    upstreamOf: () => UpstreamText | undefined,
    onPool: (pool: Pool) => void,
  ) {
    this.#attachment = attachment
    this.#options = poolOptions(timeouts, options)
    this.#connectMs = timeouts.connect
    this.#upstreamOf = upstreamOf
    this.#onPool = onPool
    // Connects to nothing; wrong options are told here, not by the first request.
    new Pool('http://127.0.0.1', this.#options)
  }

  /** The pool of an endpoint; connects to nothing yet. */
  of(endpoint: Endpoint): Pool {
    this.#sweep()
    const tenancy = this.#byRow[endpoint.row]
    if (tenancy?.endpoint === endpoint) return tenancy.pool
    if (tenancy !== undefined) this.#retire(tenancy.pool)
    const pool = new Pool(endpoint.url, this.#optionsFor(endpoint))
    this.#onPool(pool)
    this.#byRow[endpoint.row] = { endpoint, pool }
    return pool
  }

  /** Connections are made by the words of the service, unless the caller brings words of its own. */
  #optionsFor({ url }: Endpoint): Pool.Options {
    if (this.#options.connect !== undefined) return this.#options
    const { tls, isHttp2 = false } = this.#upstreamOf() ?? {}
    const dialer = new Dialer({ url, tls, isHttp2, timeoutMs: this.#connectMs })
    const connect = (_options: unknown, onDialed: OnDialed): void => {
      dialer.dial((error, socket) => {
        // By this undici knows what to speak; in plain text nobody agrees on it.
        if (isHttp2 && socket !== null) Object.assign(socket, { alpnProtocol: 'h2' })
        onDialed(error, socket)
      })
    }
    return {
      ...this.#options,
      connect: connect as unknown as NonNullable<Pool.Options['connect']>,
      ...(isHttp2 && { allowH2: true }),
    }
  }

  /** Resolves when what is in flight is over and all connections are closed. */
  async close(): Promise<void> {
    await Promise.all(this.#all().map(pool => pool.close()))
  }

  /** Ends all requests with this error, and all connections. */
  async destroy(error: Error): Promise<void> {
    await Promise.all(this.#all().map(pool => pool.destroy(error)))
  }

  #all(): Pool[] {
    return [...this.#byRow.flatMap(tenancy => tenancy?.pool ?? []), ...this.#leaving]
  }

  /** Lets go of endpoints that have left. Cheap while the structure is the same. */
  #sweep(): void {
    const pinned = this.#attachment.catchUp()
    if (pinned === this.#seen) return
    this.#seen = pinned
    const listed = new Set(this.#attachment.serviceTexts().flatMap(({ rows }) => rows))
    this.#byRow.forEach((tenancy, row) => {
      if (tenancy === undefined) return
      if (listed.has(row) && this.#attachment.endpoint(row) === tenancy.endpoint) return
      this.#byRow[row] = undefined
      this.#retire(tenancy.pool)
    })
  }

  #retire(pool: Pool): void {
    this.#leaving.add(pool)
    const done = (): void => void this.#leaving.delete(pool)
    pool.close().then(done, done)
  }
}

/** As many connections as there are requests, unless said otherwise: how many an endpoint gets is the router's decision. */
function poolOptions(timeouts: TimeoutsConfig, options: Pool.Options = {}): Pool.Options {
  const { connect } = options
  return {
    headersTimeout: timeouts.firstByte,
    bodyTimeout: timeouts.idle,
    ...options,
    ...(typeof connect === 'object' && { connect: { timeout: timeouts.connect, ...connect } }),
  }
}
