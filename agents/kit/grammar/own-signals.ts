import { trusted } from './schema.ts'
import { defineSignal } from './signal.ts'

/** What a runner tells its own agent, or the skill concerned. It hears these where it lists them under `listens`. */

/**
 * An action of which every attempt has failed; what it may have done was taken back where it says how. Who does not listen to it is
 * restarted instead.
 */
export const actionFailed = defineSignal('signalbox.action.failed', {
  data: trusted<{
    /** Its name, and what it was given. */
    readonly action: string
    readonly params: unknown
    /** Of the last attempt, for people. */
    readonly fault: string
    /** 0: its params did not pass the check. */
    readonly attempts: number
    /** From the first attempt to the end of the last, waits included. */
    readonly tookMs: number
  }>(),
})

/** A look of a sensor that came to nothing; it looks again as usual. */
export const sensorFailed = defineSignal('signalbox.sensor.failed', {
  data: trusted<{
    readonly sensor: string
    /** For people. */
    readonly fault: string
    /** In a row, this one included. */
    readonly failures: number
  }>(),
})

/** A question that was asked `about` something is on its way: its answer has this id as its `causationid`. Who asked hears it, listed or not. */
export const asked = defineSignal('signalbox.question.asked', {
  data: trusted<{ readonly question: string; readonly about: string }>(),
})

/** A question without an answer in time. Who asked hears it whether it lists it or not; listed, `decide` knows what it carries. */
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
    /** What to look at, for people. */
    readonly hint: string
  }>(),
})
