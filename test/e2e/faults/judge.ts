import type { Entry } from './book.ts'
import type { Asked } from './client.ts'

/** What was done to an origin: frozen until it went on, or killed until it was started again. On the shared clock. */
export interface Fault {
  readonly origin: string
  readonly kind: 'frozen' | 'killed'
  readonly fromMs: number
  readonly untilMs: number
}

export interface Verdict {
  readonly gets: number
  readonly posts: number
  /** GETs without their answer. */
  readonly failedGets: readonly Asked[]
  /** POSTs that stand more than once in the books. */
  readonly duplicated: readonly Asked[]
  /** POSTs that were answered 2xx and stand in no book. */
  readonly lost: readonly Asked[]
  /** POSTs that were not answered 2xx. They may stand in one book or in none. */
  readonly failedPosts: readonly Asked[]
  readonly getMsP99: number
  readonly getMsMax: number
  /** For each time an origin was frozen: see `clearMs`. */
  readonly clearMs: readonly number[]
  /** For each time an origin returned: see `backMs`. */
  readonly backMs: readonly number[]
}

/**
 * A request that takes longer has waited for somebody, in ms: the origins take 2, and a request that is asked elsewhere in time
 * has its answer before.
 */
const HELD_MS = 100

export function judge(asked: readonly Asked[], books: readonly Entry[], faults: readonly Fault[]): Verdict {
  const times = timesExecuted(books)
  const gets = asked.filter(({ method }) => method === 'GET')
  const posts = asked.filter(({ method }) => method === 'POST')
  const tookMs = gets.map(get => get.tookMs).sort((a, b) => a - b)
  return {
    gets: gets.length,
    posts: posts.length,
    failedGets: gets.filter(get => !isWell(get)),
    duplicated: posts.filter(({ id }) => (times.get(id) ?? 0) > 1),
    lost: posts.filter(post => isWell(post) && !times.has(post.id)),
    failedPosts: posts.filter(post => !isWell(post)),
    getMsP99: tookMs[Math.floor(tookMs.length * 0.99)] ?? 0,
    getMsMax: tookMs.at(-1) ?? 0,
    clearMs: faults.filter(({ kind }) => kind === 'frozen').map(fault => clearMs(asked, fault)),
    backMs: faults.map(fault => backMs(asked, books, fault)),
  }
}

function isWell({ status }: Asked): boolean {
  return status >= 200 && status < 300
}

/** How often each POST was executed, all origins together. */
function timesExecuted(books: readonly Entry[]): ReadonlyMap<number, number> {
  const times = new Map<number, number>()
  for (const { what, method, id } of books) {
    if (what === 'executed' && method === 'POST') times.set(id, (times.get(id) ?? 0) + 1)
  }
  return times
}

/**
 * How long a frozen origin went on to hold requests up: from the moment it froze to the start of the last request, begun
 * before it went on, that failed or took longer than HELD_MS. Measured where the client is, so that it is the same for every
 * proxy. Only requests that were held for HELD_MS before the thaw can be seen, so what is never clear reads as the length of the
 * freeze less that. 0: none was held up.
 */
export function clearMs(asked: readonly Asked[], { fromMs, untilMs }: Fault): number {
  const held = asked.filter(
    request => request.atMs >= fromMs && request.atMs < untilMs && (!isWell(request) || request.tookMs > HELD_MS),
  )
  return Math.max(0, ...held.map(({ atMs }) => atMs - fromMs))
}

/**
 * How long an origin that is back is left alone: from its first answer, to a health check or to whomever, to the first answer that
 * a client has from it to a request that began after its return. Requests that lay there through a freeze do not count as
 * traffic. Infinity: never before the end of the load.
 */
export function backMs(asked: readonly Asked[], books: readonly Entry[], { origin, untilMs }: Fault): number {
  const answers = books.filter(entry => entry.origin === origin && entry.what === 'answered' && entry.atMs >= untilMs)
  const first = Math.min(...answers.map(({ atMs }) => atMs))
  const ends = asked
    .filter(request => request.origin === origin && isWell(request) && request.atMs >= untilMs)
    .map(({ atMs, tookMs }) => atMs + tookMs)
  return ends.length === 0 ? Number.POSITIVE_INFINITY : Math.max(0, Math.min(...ends) - first)
}
