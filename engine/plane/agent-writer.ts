import { SignalboxError } from '../errors.ts'
import { ARRIVING, LEAVING } from '../memory/bars.ts'
import { elapsedMs, readClock } from '../memory/clock.ts'
import type { Edit, Resized } from '../memory/edit.ts'
import { countRefusal, type Refusal } from '../memory/refusals.ts'
import { type Decision, peekPublished } from '../memory/slots.ts'
import { beginTrial, chooseCanary, NO_TRIAL, TRIAL_MS_MAX, trialState, trialTimes } from '../memory/trial.ts'
import type { Attachment } from '../router/attachment.ts'
import { CheckedEdit, type PlaneEdit } from './checked-edit.ts'
import { fields, whole } from './fields.ts'
import { PublicationRefused, refused } from './refuse.ts'
import { isRoutable } from './routable.ts'

/** Why it was not done, by the code of what was thrown further down. */
const REFUSAL_OF: Readonly<Record<string, Refusal>> = {
  SBX_REGION_FULL: 'full',
  SBX_REGION_WRITER_BUSY: 'busy',
  SBX_ENDPOINT_INVALID: 'invalid',
}

/** Rows that came by a writer and are remembered as that. */
const OWN_MAX = 1_024

const decisionCheck = fields({ term: whole(1, 0x7fffffff), revision: whole(0, 0x7fffffff) })

/**
 * The structure as agents edit it. An edit is checked field by field, then judged as a whole, and published or refused whole.
 *
 *   a service never loses its last endpoint           emptied, last-routable
 *   nor more than half of what it had of late         shrunk: all removals within ten minutes together; newcomers that the
 *                                                     agent itself has added, and takes back, do not count
 *   a decision is followed once, and none after a     stale: (term, revision) only grows, and is published in the slot it
 *     later one                                       belongs to
 *   where two threads pick, one tries for 5 s who     on-trial, failed-trial: see memory/trial.ts; what is asked meanwhile
 *     comes and goes, then the others                 joins the trial, for 15 s at most
 *
 * Who is to do more than that is the operator: a config, or `box.service(name)`.
 */
export class AgentWriter {
  readonly #attachment: Attachment
  /** Rows that came by edits of this writer, by their generation; the latest. */
  readonly #own = new Map<number, number>()
  #isEditing = false

  constructor(attachment: Attachment) {
    this.#attachment = attachment
  }

  /**
   * Runs `change` on the structure as it is now and publishes the result. Where several threads pick, one goes by it at once, and
   * the others some seconds later, if it fares well. `decision` says which decision of a leader this follows, where one decides
   * for many. `change` must not wait.
   *
   * Throws SBX_PUBLICATION_REFUSED, or what `change` throws; then nothing has changed, and it is counted by its reason.
   */
  edit<T>(change: (edit: PlaneEdit) => T, decision?: Decision): T {
    const { region, writer, endpoints } = this.#attachment
    const wasEditing = this.#isEditing
    let asked: CheckedEdit | undefined
    const trial = this.#trial()
    const isOwn = (row: number): boolean => this.#own.get(row) === endpoints.generation(row)
    try {
      return writer.editJudged(
        edit => {
          this.#isEditing = true
          if (decision !== undefined) this.#follow(edit, decision)
          const result = change((asked = new CheckedEdit(edit, this.#attachment, { isTried: trial.isOn, isOwn })))
          if (result instanceof Promise)
            throw refused(region, 'broken', 'publish', 'the edit waits for something, let it return')
          return result
        },
        {
          judge: edit => {
            if (asked?.refusal !== undefined) throw asked.refusal
            this.#judge(edit)
            trial.begin(edit.version)
          },
          // Not before: who dies half-way has then asked for newcomers beside the old, and not for the old to go without them.
          onPublished: edit => {
            edit.leaving.forEach(row => void endpoints.setBar(row, LEAVING, true))
            for (const row of asked?.added ?? []) this.#keep(row)
          },
        },
      )
    } catch (error) {
      if (!(error instanceof PublicationRefused)) countRefusal(region, reasonOf(error))
      throw error
    } finally {
      if (asked !== undefined) asked.isOver = true
      this.#isEditing = wasEditing
    }
  }

  /** Runs `act` while nobody else can publish: at once within an edit of this thread's own. It is handed the published word. */
  alone<T>(act: (published: number) => T): T {
    const { region, writer } = this.#attachment
    return this.#isEditing ? act(peekPublished(region)) : writer.alone(act)
  }

  /** The trial that endpoints of one edit come and go by; asked for when the first does. */
  #trial(): { isOn(): boolean; begin(version: number): void } {
    const { region } = this.#attachment
    let canary: number | undefined
    const choose = (): number => {
      const state = trialState(region)
      if (state === NO_TRIAL) return chooseCanary(region)
      const now = readClock(region)
      if (state > 0 && elapsedMs(now, trialTimes(region).beganMs) <= TRIAL_MS_MAX) return state - 1
      throw refused(
        region,
        'on-trial',
        'publish',
        'one thread tries what was asked before, ask again when that is over',
      )
    }
    return {
      isOn: () => (canary ??= choose()) >= 0,
      begin: version => {
        if (canary !== undefined && canary >= 0) beginTrial(region, canary, version, readClock(region))
      },
    }
  }

  #keep(row: number): void {
    this.#own.delete(row)
    this.#own.set(row, this.#attachment.endpoints.generation(row))
    if (this.#own.size > OWN_MAX) this.#own.delete(this.#own.keys().next().value!)
  }

  #follow(edit: Edit, decision: Decision): void {
    const { region } = this.#attachment
    const fault = decisionCheck(decision, 'decision')
    if (fault !== undefined) throw refused(region, 'invalid', 'publish', fault)
    const { term, revision } = decision
    const last = edit.decision
    if (last !== undefined && (term < last.term || (term === last.term && revision <= last.revision))) {
      throw refused(
        region,
        'stale',
        `follow decision ${revision} of term ${term}`,
        `decision ${last.revision} of term ${last.term} is in force, decide anew on what there is now`,
      )
    }
    edit.setDecision({ term, revision })
  }

  #judge(edit: Edit): void {
    for (const resized of edit.resized()) {
      this.#judgeSize(resized, edit.takenBack.get(resized.service) ?? 0)
      this.#judgeRoutable(edit, resized)
    }
  }

  #judgeSize({ service, name, before, after }: Resized, takenBack: number): void {
    const { region, services } = this.#attachment
    const wish = `publish ${after} of ${before} endpoints of ${name}`
    if (after === 0 && before > 0) {
      throw refused(
        region,
        'emptied',
        wish,
        'a service is emptied by its operator alone, use the config or box.service()',
      )
    }
    const peak = services.rowsPeak(service, before, readClock(region)) - takenBack
    if (after < before && after * 2 < peak) {
      const state = `it had ${peak} within the last ten minutes, and loses half of them at most without its operator`
      throw refused(region, 'shrunk', wish, `${state}; use the config or box.service()`)
    }
  }

  /** Those that stay must include one that is picked, if those that go did. */
  #judgeRoutable(edit: Edit, { service, name, after }: Resized): void {
    const { region, endpoints } = this.#attachment
    if (edit.rows(service).some(row => edit.stays(row) && isRoutable(endpoints, row, ARRIVING))) return
    const takesRoutable = [...edit.removed].some(
      row => endpoints.service(row) === service && isRoutable(endpoints, row),
    )
    if (!takesRoutable) return
    const wish = `publish the ${after} endpoints of ${name} that are left`
    throw refused(region, 'last-routable', wish, 'none of them can be picked now')
  }
}

function reasonOf(error: unknown): Refusal {
  return (error instanceof SignalboxError ? REFUSAL_OF[error.code] : undefined) ?? 'broken'
}
