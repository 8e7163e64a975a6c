import { defineAgent } from '../kit/grammar/agent.ts'
import { mount, type Step, stay } from '../kit/grammar/directive.ts'
import { adaptiveRouting } from '../skills/adaptive-routing.ts'
import { failurePrediction } from '../skills/failure-prediction.ts'
import { latencyWindows } from '../skills/latency-windows.ts'
import { Tunables } from '../skills/tunables.ts'

export interface State {
  readonly halfLives: Tunables
}

const trouble = failurePrediction.mount('trouble', undefined)

export const predictor = defineAgent({
  name: 'predictor',
  role: 'predictor',
  writes: ['forecastUs', 'trust'],
  start: (): Step<State> => {
    const halfLives = new Tunables(1000)
    return {
      state: { halfLives },
      directives: [
        mount(latencyWindows('windows')),
        mount(trouble),
        mount(adaptiveRouting.mount('routing', { halfLives })),
      ],
    }
  },
  decide: state => stay(state),
})

export default predictor
