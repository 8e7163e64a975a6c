const DAY_MS = 86_400_000

/** Days left at which it is told that a certificate is about to expire: time to order one, to act, and to hurry. */
const TOLD_AT_DAYS = [30, 7, 1, 0]

type Log = (level: 'warn' | 'error', message: string, fields: Record<string, unknown>) => void

/** Tells of certificates that expire: once for each of the days above, and again for a new certificate. */
export class ExpiryWatch {
  readonly #log: Log
  readonly #nowMs: () => number
  /** How many of the days have been told, by file and end of validity. */
  readonly #told = new Map<string, { validToMs: number; steps: number }>()

  constructor(log: Log, nowMs: () => number) {
    this.#log = log
    this.#nowMs = nowMs
  }

  check(file: string, { validFromMs, validToMs }: { validFromMs: number; validToMs: number }): void {
    const now = this.#nowMs()
    const leftDays = (validToMs - now) / DAY_MS
    const steps = TOLD_AT_DAYS.filter(days => leftDays <= days).length
    const before = this.#told.get(file)
    const isSame = before?.validToMs === validToMs
    this.#told.set(file, { validToMs, steps })
    if (!isSame && now < validFromMs) {
      this.#log('warn', 'certificate is not valid yet', { cert: file, validFrom: new Date(validFromMs).toISOString() })
    }
    if (steps <= (isSame ? before.steps : 0)) return
    const validTo = new Date(validToMs).toISOString()
    if (leftDays <= 0) this.#log('error', 'certificate has expired', { cert: file, validTo })
    else this.#log('warn', 'certificate expires soon', { cert: file, validTo, days: Math.floor(leftDays) })
  }
}
