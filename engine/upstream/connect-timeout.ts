/** How undici's classes know each other's errors, across copies of it: `instanceof` asks for these. */
const IS_UNDICI: unique symbol = Symbol.for('undici.error.UND_ERR')
const IS_CONNECT_TIMEOUT: unique symbol = Symbol.for('undici.error.UND_ERR_CONNECT_TIMEOUT')

/**
 * A connection took too long: to whoever asks `instanceof errors.ConnectTimeoutError`, or reads the code, the error of undici. It is
 * made here because undici takes 125 ms to load, which was half of the start of a thread that needs no more of it than this.
 */
export class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError'
  readonly code = 'UND_ERR_CONNECT_TIMEOUT'
  get [IS_UNDICI](): boolean {
    return true
  }
  get [IS_CONNECT_TIMEOUT](): boolean {
    return true
  }
}
