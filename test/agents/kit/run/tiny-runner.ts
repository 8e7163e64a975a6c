import { rollDie } from '../../../../agents/kit/dice.ts'
import type { AnyAgent } from '../../../../agents/kit/grammar/agent.ts'
import type { Signal } from '../../../../agents/kit/grammar/signal.ts'
import type { Ports } from '../../../../agents/kit/run/ports.ts'
import { Runner } from '../../../../agents/kit/run/runner.ts'
import { VirtualClock } from '../../../../agents/kit/virtual/virtual-clock.ts'
import type { Config } from '../../../../engine/writer.ts'

/** An agent in virtual time, and all it does to the world. `peers`: to how many agents what it says goes. */
export function run(
  agent: AnyAgent,
  {
    peers = 1,
    edge = {},
    config = { agents: {} } as never,
  }: { peers?: number; edge?: Partial<Ports['edge']>; config?: Config } = {},
) {
  const clock = new VirtualClock(0)
  const sent: Signal[] = []
  const writes: unknown[] = []
  const trails: (readonly Signal[])[] = []
  const faults: string[] = []
  let reports = 0
  let seed = 1
  const runner = new Runner(agent, {
    clock,
    dice: () => {
      const die = rollDie(seed)
      seed = die.seed
      return die.value
    },
    edge: edge as Ports['edge'],
    send(signal) {
      sent.push(signal)
      return peers
    },
    write(directive, trail) {
      writes.push(directive)
      trails.push(trail)
    },
    fault: error => faults.push(error.message),
    report: () => reports++,
    listen() {},
  })
  runner.start({ config, configVersion: 1, bootMs: 0, incarnation: 1 })
  const advance = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 10) {
      clock.advance(Math.min(10, left))
      for (let turn = 0; turn < 4; turn++) await Promise.resolve()
    }
  }
  return { runner, clock, sent, writes, trails, faults, advance, reports: () => reports }
}

export function signal(type: string, data: unknown = null, more: Partial<Signal> = {}): Signal {
  return { id: 'x', specversion: '1.0', type, source: '/test', time: '', data, ...more }
}
