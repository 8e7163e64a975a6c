/**
 * Polls until `claim` holds and returns what it returned; a claim that throws or is falsy is asked again.
 * Fails with the last error, or with what was waited for, after `deadlineMs`.
 */
export async function eventually<T>(
  what: string,
  claim: () => T | Promise<T>,
  deadlineMs = 10_000,
): Promise<NonNullable<T>> {
  const until = performance.now() + deadlineMs
  let last: unknown
  for (;;) {
    try {
      const value = await claim()
      if (value) return value
      last = undefined
    } catch (error) {
      last = error
    }
    if (performance.now() > until) {
      throw new Error(`Waited ${deadlineMs} ms in vain until ${what}`, { cause: last })
    }
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
