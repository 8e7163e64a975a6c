import { ARRIVING, EJECTED, LEAVING, TRIPPED, UNHEALTHY } from '../memory/bars.ts'
import { elapsedMs, readClock } from '../memory/clock.ts'
import { countRefusal } from '../memory/refusals.ts'
import { CANARY_LOST } from '../memory/seats.ts'
import { NO_TRIAL, SPREADING, TRIAL_MS, trialState, trialTimes, turnTrial, WITHDRAWING } from '../memory/trial.ts'
import type { Attachment, ServiceEntry } from '../router/attachment.ts'
import type { Log } from './control.ts'
import type { TableKeeper } from './table-keeper.ts'

/** A newcomer with one of these has failed somebody. */
const FAILED = UNHEALTHY | EJECTED | TRIPPED

/** What it says in an edit is no wish of the operator's: how much agents have taken of late stays known. */
const ON_BEHALF = { judge: () => {} }

/**
 * Ends the trials of what agents changed (memory/trial.ts): after five seconds in which the canary lived and no more than half of
 * the newcomers failed, it is so for all threads; else all is as before.
 */
export class TrialKeeper {
  readonly #attachment: Attachment
  readonly #tables: TableKeeper
  readonly #log: Log

  constructor(attachment: Attachment, tables: TableKeeper, log: Log) {
    this.#attachment = attachment
    this.#tables = tables
    this.#log = log
  }

  /** Looks whether a trial is over. Never throws: what another writer held up is done on the next look. */
  look(): void {
    const { region } = this.#attachment
    const state = trialState(region)
    if (state === NO_TRIAL) return
    try {
      if (state === CANARY_LOST) this.#fail(state, 'the thread that tried it has ended')
      else if (state > 0) this.#judge(state)
      else this.#settle(state)
    } catch (error) {
      this.#log('warn', 'a trial was not ended on this tick', { error: String(error) })
    }
  }

  #judge(state: number): void {
    const { region } = this.#attachment
    if (elapsedMs(readClock(region), trialTimes(region).sinceMs) < TRIAL_MS) return
    const fault = this.#fault()
    if (fault !== undefined) this.#fail(state, fault)
    else if (turnTrial(region, state, SPREADING)) this.#settle(SPREADING)
  }

  #fail(state: number, fault: string): void {
    const { region } = this.#attachment
    if (!turnTrial(region, state, WITHDRAWING)) return
    countRefusal(region, 'failed-trial')
    this.#log('error', 'what an agent changed is taken back: one thread tried it', { fault })
    this.#settle(WITHDRAWING)
  }

  /** What speaks against having it so everywhere. */
  #fault(): string | undefined {
    let newcomers = 0
    let failed = 0
    for (const { text, rows } of this.#services()) {
      const bars = rows.map(row => this.#attachment.endpoints.bars(row))
      newcomers += bars.filter(each => (each & ARRIVING) !== 0).length
      failed += bars.filter(each => (each & ARRIVING) !== 0 && (each & FAILED) !== 0).length
      // The operator may have taken the others out meanwhile.
      if (rows.length > 0 && bars.every(each => (each & LEAVING) !== 0)) return `nobody would be left of ${text.name}`
    }
    return failed * 2 > newcomers ? `${failed} of ${newcomers} new endpoints fail` : undefined
  }

  /** All threads go by one side already: the bars of the other are cleared, and its rows unlisted. */
  #settle(state: number): void {
    const { region, endpoints, writer } = this.#attachment
    const [stays, goes] = state === SPREADING ? [ARRIVING, LEAVING] : [LEAVING, ARRIVING]
    writer.editJudged(edit => {
      for (const [service, { rows }] of this.#services().entries()) {
        for (const row of rows) if ((endpoints.bars(row) & stays) !== 0) endpoints.setBar(row, stays, false)
        const gone = rows.filter(row => (endpoints.bars(row) & goes) !== 0)
        for (const row of gone) edit.remove(service, row)
        if (gone.length > 0) this.#tables.renew(edit, service)
      }
    }, ON_BEHALF)
    turnTrial(region, state, NO_TRIAL)
    if (state === SPREADING) this.#log('info', 'what an agent changed is in force: one thread tried it')
  }

  #services(): readonly ServiceEntry[] {
    return this.#attachment.serviceTexts()
  }
}
