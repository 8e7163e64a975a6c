/** Why something could not be reached, for people: the system's code, `ECONNREFUSED`, or what the error says. */
export function reasonOf(error: unknown): string {
  const { code, message, cause } = (error ?? {}) as { code?: unknown; message?: unknown; cause?: unknown }
  // Who does not trust an endpoint says why.
  if (code === 'SBX_UPSTREAM_TLS' && cause !== undefined) return reasonOf(cause)
  return typeof code === 'string' ? code : String(message)
}
