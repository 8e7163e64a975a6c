import { type Outcome, outcomeOfStatus } from '../../memory/outcomes.ts'
import type { Reason } from '../message/reply.ts'
import { type Flaw, UpstreamError } from '../upstreams/upstream-error.ts'

/** What a failed attempt means: for the downstream, for the endpoint, and for a second try. */
export interface Failure {
  readonly reason: Reason
  readonly outcome: Outcome
  /** `always`: nothing was sent. `idempotent`: it may have been, and no answer began. */
  readonly retry: 'always' | 'idempotent' | 'never'
}

const CONNECT_FAILED: Failure = { reason: 'connect-failed', outcome: 'unreachable', retry: 'always' }
const CONNECT_TIMEOUT: Failure = { reason: 'connect-timeout', outcome: 'timeout', retry: 'always' }
const UPSTREAM_BROKE: Failure = { reason: 'upstream-broke', outcome: 'unreachable', retry: 'idempotent' }
const UPSTREAM_TLS: Failure = { reason: 'upstream-tls', outcome: 'unreachable', retry: 'always' }
const UPSTREAM_TLS_LATE: Failure = { ...UPSTREAM_TLS, retry: 'idempotent' }
const REFUSED: Failure = { reason: 'upstream-broke', outcome: 'unreachable', retry: 'always' }
const FIRST_BYTE_TIMEOUT: Failure = { reason: 'first-byte-timeout', outcome: 'timeout', retry: 'never' }
const BAD_RESPONSE: Failure = { reason: 'bad-response', outcome: 'error', retry: 'never' }
const BAD_REQUEST: Failure = { reason: 'bad-request', outcome: 'abandoned', retry: 'never' }

const FLAWS: Readonly<Record<Flaw, Failure>> = {
  'connect-timeout': CONNECT_TIMEOUT,
  closed: UPSTREAM_BROKE,
  'not-processed': REFUSED,
  silent: FIRST_BYTE_TIMEOUT,
  stalled: UPSTREAM_BROKE,
  'bad-answer': BAD_RESPONSE,
  'bad-request': BAD_REQUEST,
}

/**
 * Whether it was the connection that was at fault, and not the endpoint: the endpoint closed it for being idle just when it was
 * used again, or says that it has not begun with the request. `isBegun`: bytes of an answer came.
 */
export function isStale(error: unknown, wasReused: boolean, isBegun: boolean, isIdempotent: boolean): boolean {
  const flaw = flawOf(error)
  if (flaw === 'not-processed') return true
  if (!wasReused || isBegun || !isIdempotent) return false
  const code = codeOf(error)
  return flaw === 'closed' || code === 'ECONNRESET' || code === 'EPIPE'
}

/** Reads an error of an attempt that has no answer yet. `wasSent`: the connection stood and the request went out on it. */
export function readFailure(error: unknown, wasSent: boolean): Failure {
  const flaw = flawOf(error)
  const code = codeOf(error)
  if (flaw !== undefined) return flaw === 'closed' && !wasSent ? CONNECT_FAILED : FLAWS[flaw]
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return CONNECT_TIMEOUT
  if (code === 'SBX_UPSTREAM_TLS') return UPSTREAM_TLS
  if (!wasSent) return code === 'ETIMEDOUT' ? CONNECT_TIMEOUT : CONNECT_FAILED
  // Where a client certificate is asked for, TLS 1.3 refuses ours only after it let us send.
  if (code.startsWith('ERR_SSL_')) return UPSTREAM_TLS_LATE
  return code.startsWith('ERR_') ? BAD_RESPONSE : UPSTREAM_BROKE
}

function flawOf(error: unknown): Flaw | undefined {
  return error instanceof UpstreamError ? error.flaw : undefined
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | undefined)?.code ?? '')
}

/** How an attempt ended whose answer had begun, with this status, and then broke. */
export function readBreak(error: unknown, status: number): Outcome {
  if (status >= 500) return outcomeOfStatus(status)
  return flawOf(error) === 'stalled' ? 'timeout' : 'error'
}
