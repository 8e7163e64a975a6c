/** How a request ended, as the router is told it. */
export type Outcome = 'ok' | 'error' | 'timeout' | 'abandoned' | 'gateway' | 'unreachable'

/**
 *   ok           it answered, and the answer was no fault of the endpoint
 *   error        it could not be reached, broke, or answered with a server error
 *   timeout      it did not answer in time
 *   abandoned    the downstream went away or the request was withdrawn: says nothing about the endpoint
 *
 * and for who knows it more exactly than `error`:
 *
 *   gateway      it answered 502, 503 or 504: it speaks for somebody behind it
 *   unreachable  it refused the connection, reset it, or broke off before it answered
 *
 * Their place in the list is their code; a code beyond the list is a failure that a newer version tells apart.
 */
export const OUTCOMES = [
  'ok',
  'error',
  'timeout',
  'abandoned',
  'gateway',
  'unreachable',
] as const satisfies readonly Outcome[]

export const OK = 0
export const ERROR = 1
export const TIMEOUT = 2
export const ABANDONED = 3
export const GATEWAY = 4
export const UNREACHABLE = 5

/** The code of an outcome; an unknown word counts as abandoned, since a settle never throws. */
export function outcomeCode(outcome: Outcome): number {
  if (outcome === 'ok') return OK
  if (outcome === 'error') return ERROR
  if (outcome === 'timeout') return TIMEOUT
  if (outcome === 'gateway') return GATEWAY
  return outcome === 'unreachable' ? UNREACHABLE : ABANDONED
}

/** What a whole answer of this status says of the endpoint. */
export function outcomeOfStatus(status: number): Outcome {
  if (status < 500) return 'ok'
  return status >= 502 && status <= 504 ? 'gateway' : 'error'
}

/** Which of the four totals counts a code: what says more exactly how a request failed is an error there. */
export function totalOf(code: number): number {
  return code > ABANDONED ? ERROR : code
}

/** Whether a code says that the endpoint failed. */
export function isFailure(code: number): boolean {
  return code !== OK && code !== ABANDONED
}
