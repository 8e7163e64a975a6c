import type { ServerResponse } from 'node:http'
import { type ErrorCode, SignalboxError } from '../errors.ts'

/** Nothing is loaded from elsewhere, nothing runs inline, nobody may frame the page. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "frame-ancestors 'none'; base-uri 'none'"

/** What every answer of the admin listener carries. */
export const SECURITY_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const

/** Live numbers and credentials: no cache may keep them. */
const NO_STORE = { ...SECURITY_HEADERS, 'cache-control': 'no-store' } as const

/** A refusal on its way to an answer: a SignalboxError with the status and headers it shall be answered with. */
export class Refusal extends SignalboxError {
  readonly status: number
  readonly headers: Record<string, string>

  constructor(status: number, code: ErrorCode, message: string, headers: Record<string, string> = {}) {
    super(code, message)
    this.status = status
    this.headers = headers
  }
}

/** Answers with a whole body. Node leaves the body out by itself when the request was a HEAD. */
export function sendText(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { ...NO_STORE, 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  sendText(response, status, 'application/json; charset=utf-8', `${JSON.stringify(body)}\n`)
}

/** Answers a refusal as { error: { code, message } }. The connection is closed where a body may still be on its way. */
export function sendRefusal(response: ServerResponse, { status, code, message, headers }: Refusal): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (status === 413) response.setHeader('connection', 'close')
  sendJson(response, status, errorBody(code, message))
}

export function errorBody(code: ErrorCode, message: string): { error: { code: ErrorCode; message: string } } {
  return { error: { code, message } }
}

const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  SBX_AGENT_INVALID: 400,
  SBX_AGENT_UNKNOWN: 404,
  SBX_SERVICE_UNKNOWN: 404,
  SBX_ENDPOINT_UNKNOWN: 404,
  SBX_ENDPOINT_INVALID: 400,
  SBX_CONFIG_FIXED: 409,
  SBX_CONFIG_INVALID: 422,
  SBX_CONFIG_UNREADABLE: 422,
  SBX_REGION_FULL: 409,
  SBX_BOX_CLOSED: 503,
  SBX_REGION_WRITER_BUSY: 503,
}

/** Whatever was thrown while a request was answered, as a refusal. What is not ours says nothing of the inside. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof SignalboxError) return new Refusal(STATUS_OF[error.code] ?? 500, error.code, error.message)
  return new Refusal(500, 'SBX_ADMIN_FAILED', 'Cannot answer: the admin listener met a fault of its own, see the log')
}
