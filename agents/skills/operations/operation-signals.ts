import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'

/** `by` of the holds that operations want. */
export const HELD_BY = 'operations'

/** Within the agent: keep these endpoints out, `service/id`, and of those who was kept out for `by` before no others. */
export const holdsWanted = defineSignal('signalbox.holds.wanted', {
  data: trusted<{ readonly by: string; readonly targets: readonly string[] }>(),
})

/** Within the agent: this one is not wanted any more; emergencies hear it too. */
export const operationCalledOff = defineSignal('signalbox.operation.called-off', {
  data: trusted<{ readonly id: string; readonly by: string }>(),
})

/** Within the agent: nothing more is begun from now on, or again. */
export const operationsPaused = defineSignal('signalbox.operations.paused', {
  data: trusted<{ readonly isPaused: boolean; readonly because: string }>(),
})
