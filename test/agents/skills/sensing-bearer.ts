import { rollDie } from '../../../agents/kit/dice.ts'
import { defineAgent } from '../../../agents/kit/grammar/agent.ts'
import { stay, unmount } from '../../../agents/kit/grammar/directive.ts'
import type { AnySensor } from '../../../agents/kit/grammar/sensor.ts'
import { defineSignal, type Signal } from '../../../agents/kit/grammar/signal.ts'
import type { AnyMounted, Mounted } from '../../../agents/kit/grammar/skill.ts'
import { Runner } from '../../../agents/kit/run/runner.ts'
import { VirtualClock } from '../../../agents/kit/virtual/virtual-clock.ts'
import { validateConfig } from '../../../engine/config/load.ts'

const end = defineSignal('test.skill.ended')

/** An agent that does nothing but have these skills, in virtual time; what their sensors see is said by `look`. */
export function sensingBearer(skills: readonly AnyMounted[], look: (sensor: AnySensor) => AnySensor['read']) {
  let key = ''
  const agent = defineAgent({
    ...{ name: 'bearer', role: 'bearer', listens: [end], skills },
    start: () => stay(null),
    decide: state => ({ state, directives: [unmount(key)] }),
  })
  const clock = new VirtualClock()
  const sent: Signal[] = []
  let seed = 7
  const runner = new Runner(agent, {
    ...{ clock, edge: {} as never, look, write() {}, report() {}, listen() {} },
    dice: () => {
      const die = rollDie(seed)
      seed = die.seed
      return die.value
    },
    send: signal => sent.push(signal),
    fault(error) {
      throw error
    },
  })
  runner.start({ config: validateConfig({ services: { api: {} } }), configVersion: 1, bootMs: 0, incarnation: 1 })
  return {
    sent,
    advance: async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= 100) {
        clock.advance(100)
        for (let turn = 0; turn < 8; turn++) await null
      }
    },
    slice: <Slice>(mounted: Mounted<Slice>): Slice => runner.slice(mounted),
    unmount: (mounted: AnyMounted): void => {
      key = mounted.key
      runner.receive({ id: '1', specversion: '1.0', source: '/test', time: '', ...end.of(null) })
    },
  }
}
