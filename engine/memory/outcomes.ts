/** How a request ended, as the router is told it. */
export type Outcome = 'ok' | 'error' | 'timeout' | 'abandoned'

/**
 *   ok         it answered, and the answer was no fault of the endpoint
 *   error      it could not be reached, broke, or answered with a server error
 *   timeout    it did not answer in time
 *   abandoned  the downstream went away or the request was withdrawn: says nothing about the endpoint
 */
export const OUTCOMES = ['ok', 'error', 'timeout', 'abandoned'] as const satisfies readonly Outcome[]

export const OK = 0
export const ERROR = 1
export const TIMEOUT = 2
export const ABANDONED = 3

/** The code of an outcome; an unknown word counts as abandoned, since a settle never throws. */
export function outcomeCode(outcome: Outcome): number {
  return outcome === 'ok' ? OK : outcome === 'error' ? ERROR : outcome === 'timeout' ? TIMEOUT : ABANDONED
}
