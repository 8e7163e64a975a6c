import { elapsedMs, readClock } from '../memory/clock.ts'
import { REFUSAL_NAMES, REFUSALS, type Refusal, refusals } from '../memory/refusals.ts'
import type { Region } from '../memory/region.ts'
import type { Log } from './control.ts'

/** Of one reason there is a line every ten seconds at most: who is refused asks again, and the log is for people. */
const QUIET_MS = 10_000

/** Says in the log that agents were refused, whichever thread they are in: they have no log, and count in shared memory. */
export class RefusalAlarm {
  readonly #region: Region
  readonly #log: Log
  readonly #told = new Map<Refusal, { times: number; atMs: number }>()

  constructor(region: Region, log: Log) {
    this.#region = region
    this.#log = log
  }

  /** Looks whether there are new ones: a word for each reason. */
  look(): void {
    const now = readClock(this.#region)
    for (const reason of REFUSAL_NAMES) {
      const times = refusals(this.#region, reason)
      const told = this.#told.get(reason)
      if (times === (told?.times ?? 0)) continue
      if (told !== undefined && elapsedMs(now, told.atMs) < QUIET_MS) continue
      this.#told.set(reason, { times, atMs: now })
      const count = (times - (told?.times ?? 0)) >>> 0
      this.#log('error', `what an agent asked for was refused: ${REFUSALS[reason]}`, { reason, times: count })
    }
  }
}
