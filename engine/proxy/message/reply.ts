import { PICK } from '../../router/router.ts'
import { printHead } from './print-head.ts'

/**
 * What the proxy answers by itself: one short JSON object, and the cause in `x-signalbox-reason`. The texts are fixed:
 * no address, no name of a service, nothing that came in is repeated.
 */
const REPLIES = {
  'bad-request': [400, 'The request is malformed or ambiguous.'],
  'bad-host': [400, 'The request must carry one valid Host.'],
  'no-route': [404, 'Nothing is served under this host and path.'],
  'method-not-allowed': [405, 'This method is not available here.'],
  'header-timeout': [408, 'The request header took too long.'],
  'body-too-slow': [408, 'The request body came too slowly.'],
  'body-timeout': [408, 'The request body took too long.'],
  'body-too-large': [413, 'The request body is too large.'],
  'url-too-long': [414, 'The request target is too long.'],
  'header-too-large': [431, 'The request header is too large.'],
  'too-many-headers': [431, 'The request has too many header fields.'],
  'transfer-coding': [501, 'This transfer coding is not available.'],
  'connect-failed': [502, 'The upstream could not be reached.'],
  'upstream-tls': [502, 'No trusted connection to the upstream could be made.'],
  'upstream-broke': [502, 'The upstream broke off.'],
  'bad-response': [502, 'The upstream answered with something that is no valid response.'],
  'http-version': [505, 'This version of HTTP is not available.'],
  'no-endpoint': [503, 'Nobody can answer this right now.'],
  overloaded: [503, 'There are too many requests right now.'],
  'queue-timeout': [503, 'There was no room in time.'],
  'breaker-open': [503, 'Requests fail at present and are not sent.'],
  shed: [503, 'There are too many requests right now, and dearer ones than this.'],
  'connect-timeout': [504, 'The upstream could not be reached in time.'],
  'first-byte-timeout': [504, 'The upstream did not answer in time.'],
  'request-timeout': [504, 'The request took too long.'],
} as const satisfies Record<string, readonly [number, string]>

export type Reason = keyof typeof REPLIES

/** Why there is no ticket. */
export function reasonOf(pick: number): Reason {
  switch (pick) {
    case PICK.OVERLOADED:
      return 'overloaded'
    case PICK.BREAKER_OPEN:
      return 'breaker-open'
    case PICK.SHED:
      return 'shed'
    default:
      return 'no-endpoint'
  }
}

/** Seconds a downstream is told to wait where nobody could answer: an ejection or a restart may be over by then. */
const RETRY_AFTER_S = '1'

export interface Reply {
  /** Why it is answered here, for the access log. */
  readonly reason: string
  readonly status: number
  /** What is sent instead of `status`; only where a protocol has a place of its own for what went wrong. */
  readonly sentStatus?: number
  /** The cause in words, where it is a refusal. */
  readonly message?: string
  /** Raw header array; the connection is the sender's matter. */
  readonly headers: readonly string[]
  /** One byte a character. */
  readonly body: string
}

const replies = new Map<string, Reply>()
for (const [reason, [status, message]] of Object.entries(REPLIES)) {
  const code = `SBX_${reason.replaceAll('-', '_').toUpperCase()}`
  const body = `${JSON.stringify({ error: { code, message } })}\n`
  const headers = [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(Buffer.byteLength(body)),
    'Cache-Control',
    'no-store',
    'x-signalbox-reason',
    reason,
  ]
  if (status === 503) headers.push('Retry-After', RETRY_AFTER_S)
  if (status === 405) headers.push('Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS')
  replies.set(reason, { reason, status, message, headers, body })
}

export function isReason(text: string): text is Reason {
  return replies.has(text)
}

export function replyFor(reason: Reason): Reply {
  return replies.get(reason) as Reply
}

/** The same as bytes for a connection that ends with it; for requests so malformed that there is no response object. */
export function rawReply(reason: Reason): string {
  const { status, headers, body } = replyFor(reason)
  const head = printHead(status, [...headers, 'Date', new Date().toUTCString(), 'Connection', 'close'])
  return head + body
}
