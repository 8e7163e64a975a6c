import type { Config } from '../../engine/writer.ts'
import { defineAgent } from '../kit/grammar/agent.ts'
import { type Directive, mount, reply, type Step, stay, unmount } from '../kit/grammar/directive.ts'
import type { SignalOf } from '../kit/grammar/signal.ts'
import type { Slices } from '../kit/grammar/skill.ts'
import {
  latencyForecasted,
  loadForecasted,
  predictionGiven,
  predictionRequested,
  predictionWithdrawn,
  troublePredicted,
  tunableChanged,
} from '../signals.ts'
import { adaptiveRouting, HALF_LIFE } from '../skills/forecasts/adaptive-routing.ts'
import { capacityPlanning } from '../skills/forecasts/capacity-planning.ts'
import { confidenceOf } from '../skills/forecasts/confidence.ts'
import { expectedOf, failurePrediction, withdrawnAll } from '../skills/forecasts/failure-prediction.ts'
import { latencyWindows } from '../skills/forecasts/latency-windows.ts'
import { performanceOptimization } from '../skills/forecasts/performance-optimization.ts'

type Asked = SignalOf<typeof predictionRequested>
type Knobs = Config['agents']['predictor']
/** What it does can be left out, part by part. */
type Part = 'routing' | 'load' | 'trouble'
const PARTS: readonly Part[] = ['routing', 'load', 'trouble']

export interface State {
  readonly parts: Pick<Knobs, Part>
}

/** What is of late, ms, and what else it might be: shorter follows faster, longer wavers less. */
const HALF_LIFE_MS = 1000
const HALF_LIVES_MS = [500, 1000, 2000, 4000]

export const trouble = failurePrediction.mount('trouble', undefined)
export const planning = capacityPlanning.mount('planning', undefined)

/**
 * Predictor: says what will be before it is, and how far that is to be believed.
 *
 * Intuition  whoever reacts is late by as long as it takes to notice. What can be foreseen is little: that what was slow for a second is slow in
 *            the next, that what rises goes on to rise for a while, that mornings are like mornings. That little is worth having, as long as
 *            somebody keeps count of how often it was wrong.
 * listens    signalbox.endpoint.{settled-batch, latencies-counted, capacity-reported, risk-changed, anomaly-found, health-changed, ejected}
 *            · signalbox.endpoint.predict · signalbox.service.tunable-proposed
 * emits      signalbox.service.{load-forecasted, tunable-changed} · signalbox.endpoint.{latency-forecasted, trouble-predicted,
 *            prediction-withdrawn, predicted}
 * writes     endpoint.FORECAST · service.TRUST
 * never      keeps an endpoint out, or changes a weight: what it foresees is for others to act on, and for adaptive picks
 * reload     parts come and go; what the others have learned stays, and what was expected by one that goes is withdrawn
 * restart    permanent; it learns anew. Forecasts in the tables are forgotten by picks after five seconds
 *
 * What it does is in its skills:
 *
 *   windows   latencies of the last ten seconds, and where they go          trouble   who will fail, slow down, run out of something
 *   routing   how long each endpoint will take in the next second           planning  how many requests there will be, and for how many is room
 *   tuning    how fast routing forgets, judged in the shadow, then verified
 */
export const predictor = defineAgent({
  name: 'predictor',
  role: 'predictor',
  listens: [predictionRequested],
  emits: [predictionGiven, latencyForecasted, loadForecasted, troublePredicted, predictionWithdrawn, tunableChanged],
  writes: ['forecastUs', 'trust'],
  start({ config }): Step<State> {
    const parts = config.agents.predictor
    return { state: { parts }, directives: PARTS.filter(part => parts[part]).flatMap(beginPart) }
  },
  reload(before, { agents: { predictor: parts } }, _now, _version, slices): Step<State> {
    const directives = PARTS.flatMap(part => {
      if (parts[part] === before.parts[part]) return []
      return parts[part] ? beginPart(part) : endPart(part, slices)
    })
    return { state: { parts }, directives }
  },
  decide: (state, signal, now, slices) =>
    predictionRequested.is(signal) ? answer(state, signal, now, slices) : stay(state),
  describe: ({ parts }) => ({ parts: PARTS.filter(part => parts[part]) }),
})

export default predictor

function beginPart(part: Part): Directive[] {
  if (part === 'load') return [mount(planning)]
  if (part === 'trouble') return [mount(latencyWindows('windows')), mount(trouble)]
  const tuning = { tunable: HALF_LIFE, usual: HALF_LIFE_MS, values: HALF_LIVES_MS }
  return [
    mount(adaptiveRouting.mount('routing', { halfLifeMs: HALF_LIFE_MS })),
    mount(performanceOptimization.mount('tuning', tuning)),
  ]
}

function endPart(part: Part, slices: Slices): Directive[] {
  if (part === 'load') return [unmount('planning')]
  if (part === 'trouble') {
    return [...withdrawnAll(slices.of(trouble)), unmount('windows'), unmount('trouble')]
  }
  return [unmount('routing'), unmount('tuning')]
}

/** What it expects of an endpoint; nothing where it has too few readings, and then it says so. */
function answer(state: State, question: Asked, now: number, slices: Slices): Step<State> {
  const { service, id } = question.data
  const found = state.parts.trouble ? expectedOf(slices.of(trouble), service, id, now) : undefined
  const predictions = found?.predictions ?? []
  const because = !state.parts.trouble
    ? 'trouble is not predicted: agents.predictor.trouble is false'
    : found === undefined
      ? `no endpoint ${service}/${id} is known`
      : predictions.length === 0
        ? 'insufficient history'
        : null
  const confidence = confidenceOf(predictions.map(each => each.confidence))
  return {
    state,
    directives: [
      reply(question, predictionGiven.of({ service, id, predictions, confidence, because }, `${service}/${id}`)),
    ],
  }
}
