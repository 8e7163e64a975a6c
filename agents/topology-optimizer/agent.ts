import type { Config } from '../../engine/writer.ts'
import { defineAgent } from '../kit/grammar/agent.ts'
import { mount, type Step, stay, unmount } from '../kit/grammar/directive.ts'
import { configuredPlaces, geography } from '../skills/zones/geography.ts'
import { topologyOptimization } from '../skills/zones/topology-optimization.ts'

export interface State {
  readonly config: Config
}

const places = geography.mount('geography', undefined)
const optimization = topologyOptimization.mount('topology-optimization', undefined)

/**
 * Topology optimizer: says which zones are the near ones, as requests from here see them.
 *
 *   geography ──places──▶ topology-optimization ──▶ zones-preferred, which the load balancer folds
 *
 * Intuition  what is near is cheap and fast, until it is full; and what was near yesterday may be behind a broken cable today, so it is
 *            measured, and only believed when it is measured twice.
 * listens    signalbox.endpoint.connectivity-measured · signalbox.metrics.collected
 * emits      signalbox.zone.preference-changed
 * writes     nothing
 * never      changes the preference of a service more than once in a `sync`, nor at all where its operator has arranged its zones; gives a zone
 *            less than `least` of its weight: it would not be seen when it gets better
 * reload     what was measured stays; places are read anew
 * restart    permanent; the second look says what holds, whatever an earlier incarnation said
 */
export const topologyOptimizer = defineAgent({
  name: 'topology-optimizer',
  role: 'topology-optimizer',
  skills: [places, optimization],
  start: ({ config }): Step<State> => stay({ config }),
  reload: (before, config) => {
    if (JSON.stringify(configuredPlaces(before.config)) === JSON.stringify(configuredPlaces(config)))
      return stay({ config })
    return { state: { config }, directives: [unmount(places.key), mount(places)] }
  },
  decide: state => stay(state),
})

export default topologyOptimizer
