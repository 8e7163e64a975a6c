import { errors } from 'undici'
import type { Outcome } from '../memory/outcomes.ts'

/** Codes that say what was wrong with an answer: it came, so the endpoint was reached. */
const ANSWERS: ReadonlySet<unknown> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
])

/**
 * Whose fault an error of undici's is. `isConnected`: the request was on its connection; before that, whatever went wrong
 * went wrong with reaching the endpoint. `hasAnswered`: a response had begun.
 */
export function outcomeOf(error: unknown, isConnected: boolean, hasAnswered: boolean): Outcome {
  const code = (error as { code?: unknown } | undefined)?.code
  switch (code) {
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'timeout'
    case 'ETIMEDOUT':
      if (!isConnected) return 'timeout'
      break
    case 'UND_ERR_INVALID_ARG':
    case 'UND_ERR_NOT_SUPPORTED':
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
    case 'UND_ERR_ABORTED':
    case 'UND_ERR_CLOSED':
    case 'UND_ERR_DESTROYED':
      return 'abandoned'
  }
  // Errors of sockets and of undici carry a code, but for some of the parser; what has none came from the request's body.
  const isParser = error instanceof errors.HTTPParserError
  if (isConnected && code === undefined && !isParser) return 'abandoned'
  return isParser || hasAnswered || ANSWERS.has(code) ? 'error' : 'unreachable'
}
