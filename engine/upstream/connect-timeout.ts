/** The marks by which undici knows its errors, whichever copy of it made them. */
const IS_UNDICI = Symbol.for('undici.error.UND_ERR')
const IS_CONNECT_TIMEOUT = Symbol.for('undici.error.UND_ERR_CONNECT_TIMEOUT')

/**
 * Nobody answered in time. For undici and its users it is undici's own `ConnectTimeoutError`: name, code and `instanceof` agree. To load
 * undici for that takes a tenth of a second, in each thread that connects to endpoints.
 */
export class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError'
  readonly code = 'UND_ERR_CONNECT_TIMEOUT'
  readonly [IS_UNDICI] = true
  readonly [IS_CONNECT_TIMEOUT] = true

  /** `at` is host:port. */
  constructor(at: string, timeoutMs: number) {
    super(`Connect Timeout Error (attempted address: ${at}, timeout: ${timeoutMs}ms)`)
  }
}
