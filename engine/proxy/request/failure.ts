import { errors } from 'undici'
import { type Outcome, outcomeOfStatus } from '../../memory/outcomes.ts'
import type { Reason } from '../message/reply.ts'

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

/** Code of the error where an endpoint of HTTP/2 says that it has not begun with a request. */
export const NOT_PROCESSED = 'H2_NOT_PROCESSED'

/**
 * Whether it was the connection that was at fault, and not the endpoint: the endpoint closed it for being idle just when it was
 * used again, or says that it has not begun with the request. `isBegun`: bytes of an answer came.
 */
export function isStale(error: unknown, wasReused: boolean, isBegun: boolean, isIdempotent: boolean): boolean {
  const code = (error as { code?: unknown } | undefined)?.code
  if (code === NOT_PROCESSED) return true
  if (!wasReused || isBegun || !isIdempotent) return false
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE'
}

/** Reads an error of an attempt that has no answer yet. `wasSent`: the connection stood and the request went out on it. */
export function readFailure(error: unknown, wasSent: boolean): Failure {
  const code = String((error as { code?: unknown } | undefined)?.code ?? '')
  switch (code) {
    case 'UND_ERR_INVALID_ARG':
    case 'UND_ERR_NOT_SUPPORTED':
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
      return BAD_REQUEST
    case 'UND_ERR_CONNECT_TIMEOUT':
      return CONNECT_TIMEOUT
    case 'SBX_UPSTREAM_TLS':
      return UPSTREAM_TLS
    case NOT_PROCESSED:
      return REFUSED
    case 'ETIMEDOUT':
      return wasSent ? UPSTREAM_BROKE : CONNECT_TIMEOUT
    case 'UND_ERR_HEADERS_TIMEOUT':
      return FIRST_BYTE_TIMEOUT
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return BAD_RESPONSE
  }
  if (!wasSent) return CONNECT_FAILED
  // Where a client certificate is asked for, TLS 1.3 refuses ours only after it let us send.
  if (code.startsWith('ERR_SSL_')) return UPSTREAM_TLS_LATE
  // Some errors of undici's parser carry no code.
  return error instanceof errors.HTTPParserError || code.startsWith('HPE_') || code.startsWith('ERR_')
    ? BAD_RESPONSE
    : UPSTREAM_BROKE
}

/**
 * Whether an answer is whole although undici misses its content: 304 may declare the length of what it does not bring (RFC 9110
 * 8.6), and 204 that does is to be forgiven. Its connection is not used again.
 */
export function isWholeNevertheless(error: unknown, status: number): boolean {
  if (status !== 304 && status !== 204) return false
  return (error as { code?: unknown } | undefined)?.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
}

/** How an attempt ended whose answer had begun, with this status, and then broke. */
export function readBreak(error: unknown, status: number): Outcome {
  if (status >= 500) return outcomeOfStatus(status)
  return (error as { code?: unknown } | undefined)?.code === 'UND_ERR_BODY_TIMEOUT' ? 'timeout' : 'error'
}
