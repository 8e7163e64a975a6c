/**
 * Has this thread die of an error nobody caught, and nothing but this thread.
 *
 *   error ──▶ close what bytes come in by ──▶ the next turn of the loop ──▶ the error takes its way, the thread ends
 *
 * At once would be too soon: in a thread that can run no more JavaScript node:http2 aborts the whole process with the next
 * stream that has a body (`Assertion failed: onread->IsFunction()`), and the rest of this turn may well read one.
 */
export function crashAlone(close: () => void): void {
  let isCrashing = false
  const onError = (error: unknown): void => {
    if (isCrashing) return
    isCrashing = true
    close()
    setImmediate(() => {
      process.off('uncaughtException', onError)
      throw error
    })
  }
  process.on('uncaughtException', onError)
}
