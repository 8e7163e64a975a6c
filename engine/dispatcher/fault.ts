import { errors } from 'undici'
import type { Outcome } from '../memory/outcomes.ts'

/**
 * Whose fault an error of undici's is. `isConnected`: the request was on its connection; before that, whatever went wrong
 * went wrong with reaching the endpoint.
 */
export function outcomeOf(error: unknown, isConnected: boolean): Outcome {
  const code = (error as { code?: unknown } | undefined)?.code
  switch (code) {
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'timeout'
    case 'ETIMEDOUT':
      return isConnected ? 'error' : 'timeout'
    case 'UND_ERR_INVALID_ARG':
    case 'UND_ERR_NOT_SUPPORTED':
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
    case 'UND_ERR_ABORTED':
    case 'UND_ERR_CLOSED':
    case 'UND_ERR_DESTROYED':
      return 'abandoned'
  }
  // Errors of sockets and of undici carry a code, but for some of the parser; what has none came from the request's body.
  const isForeign = code === undefined && !(error instanceof errors.HTTPParserError)
  return isConnected && isForeign ? 'abandoned' : 'error'
}
