import { trusted } from './schema.ts'
import { defineSignal } from './signal.ts'

/** What a runner tells its own agent. An agent hears these where it lists them under `listens`. */

/** An action of which every attempt has failed; what it may have done was taken back where it says how. */
export const actionFailed = defineSignal('signalbox.action.failed', {
  data: trusted<{
    readonly action: string
    readonly params: unknown
    readonly fault: string
    readonly attempts: number
    readonly tookMs: number
  }>(),
})

/** A look of a sensor that came to nothing. */
export const sensorFailed = defineSignal('signalbox.sensor.failed', {
  data: trusted<{ readonly sensor: string; readonly fault: string; readonly failures: number }>(),
})

/** A question without an answer in time. Who asked hears it without listing it. */
export const unanswered = defineSignal('signalbox.question.unanswered', {
  data: trusted<{
    /** Id and type of what was asked. */
    readonly question: string
    readonly type: string
    readonly waitedMs: number
    /** Agents it was on its way to; with none, nobody here listens to it. */
    readonly sentTo: number
    /** Signals that wait in the mailbox of who asked: an answer may be among them. */
    readonly queued: number
    readonly hint: string
  }>(),
})
