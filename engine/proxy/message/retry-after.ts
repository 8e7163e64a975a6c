/**
 * How long an endpoint asks to be left alone, in ms, by the Retry-After of a raw response head; undefined where it does not
 * say, or says it in no valid way. A date is read on this machine's clock.
 */
export function retryAfterMs(raw: readonly string[]): number | undefined {
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i].length !== 11 || raw[i].toLowerCase() !== 'retry-after') continue
    const value = raw[i + 1].trim()
    if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
    const at = Date.parse(value)
    return Number.isNaN(at) ? undefined : Math.max(0, at - (performance.timeOrigin + performance.now()))
  }
  return undefined
}
