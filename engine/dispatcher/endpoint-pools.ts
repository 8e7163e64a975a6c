import { Pool } from 'undici'
import type { TimeoutsConfig } from '../config/schema.ts'
import type { Attachment } from '../router/attachment.ts'
import type { Endpoint } from '../router/endpoint.ts'

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
  readonly #onPool: (pool: Pool) => void
  #seen = 0

  /** `onPool` is handed each pool when it is made. Throws undici's InvalidArgumentError for options it does not take. */
  constructor(
    attachment: Attachment,
    timeouts: TimeoutsConfig,
    options: Pool.Options | undefined,
    onPool: (pool: Pool) => void,
  ) {
    this.#attachment = attachment
    this.#options = poolOptions(timeouts, options)
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
    const pool = new Pool(endpoint.url, this.#options)
    this.#onPool(pool)
    this.#byRow[endpoint.row] = { endpoint, pool }
    return pool
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
    connect: typeof connect === 'function' ? connect : { timeout: timeouts.connect, ...connect },
  }
}
