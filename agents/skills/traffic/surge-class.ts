import type { SurgeClass } from '../../signals.ts'

/** What can be seen of a service in one second. */
export interface Sight {
  /** Requests sent to endpoints, and of those that ended the part that failed, from 0 to 1. */
  readonly perSecond: number
  readonly failedShare: number
  /** At this moment: requests in flight, and how many of these are second tries. */
  readonly inflight: number
  readonly retries: number
  /** True where a key of the request decides where it goes. */
  readonly isKeyed: boolean
  /** Of the endpoint with the most: its part of what was sent, and of what is in flight, over its part of the weight. */
  readonly sentSkew: number
  readonly inflightSkew: number
}

const FAILED = 0.2
const RETRIED = 0.2
const SKEWED = 2

/**
 * What kind of surge it is, by what can be seen of it. Keys themselves nobody looks at.
 *
 *   retry-storm     a fifth of the requests fail, or a fifth of those in flight are second tries: they come because others failed
 *   hot-key         a key decides, and one endpoint gets twice its part
 *   slow-endpoint   no key decides, and one endpoint has twice its part in flight: requests pile up there
 *   organic         more requests of all kinds
 *
 * The first that holds. Two endpoints cannot be told so: one of them never has more than twice its part.
 */
export function classOf(sight: Sight): SurgeClass {
  const { failedShare, retries, inflight, isKeyed, sentSkew, inflightSkew } = sight
  if (failedShare > FAILED || (inflight > 0 && retries / inflight > RETRIED)) return 'retry-storm'
  if (isKeyed && sentSkew > SKEWED) return 'hot-key'
  return !isKeyed && inflightSkew > SKEWED ? 'slow-endpoint' : 'organic'
}
