import assert from 'node:assert/strict'
import { defineAgent } from '../../../agents/kit/grammar/agent.ts'
import { stay, unmount } from '../../../agents/kit/grammar/directive.ts'
import { trusted } from '../../../agents/kit/grammar/schema.ts'
import { type Draft, defineSignal } from '../../../agents/kit/grammar/signal.ts'
import type { Skill } from '../../../agents/kit/grammar/skill.ts'
import type { Ports } from '../../../agents/kit/run/ports.ts'
import { Runner } from '../../../agents/kit/run/runner.ts'
import { VirtualClock } from '../../../agents/kit/virtual/virtual-clock.ts'
import { validateConfig } from '../../../engine/config/load.ts'

const dropped = defineSignal('signalbox.test.dropped', { data: trusted<string>() })

export interface TwoMounts<Options, Slice> {
  readonly skill: Skill<Options, Slice>
  /** For the first mount and the second; where they differ the two come to different states. */
  readonly options: readonly [Options, Options]
  /** Something it listens to. */
  readonly heard: Draft
  /** What of its state changes by that. */
  of(slice: Slice): unknown
  readonly edge?: Partial<Ports['edge']>
}

/**
 * Two mounts of a skill on one agent keep two states, and the one that is unmounted hears nothing more: its state is gone, and the other
 * goes on. Fails with what is otherwise.
 */
export function checkTwoMounts<Options, Slice>({
  skill,
  options,
  heard,
  of,
  edge = {},
}: TwoMounts<Options, Slice>): void {
  const [one, two] = [skill.mount('one', options[0]), skill.mount('two', options[1])]
  const agent = defineAgent({
    ...{ name: 'two', role: 'two', listens: [dropped], skills: [one, two] },
    start: () => stay(null),
    decide: (state, { data }) => ({ state, directives: [unmount(data)] }),
  })
  const faults: string[] = []
  const runner = new Runner(agent, {
    clock: new VirtualClock(0),
    dice: () => 0.5,
    edge: edge as Ports['edge'],
    send: () => 1,
    write() {},
    fault: error => faults.push(error.message),
    report() {},
    listen() {},
  })
  runner.start({ config: validateConfig({ services: { api: {} } }), configVersion: 1, bootMs: 0, incarnation: 1 })
  const signal = { id: 'x', specversion: '1.0', source: '/test', time: '', ...heard } as const
  const [oneBefore, twoBefore] = [runner.slice(one), runner.slice(two)]
  assert.notEqual(oneBefore, twoBefore, 'each has a state of its own')
  const before = JSON.stringify(of(oneBefore))
  runner.receive(signal)
  assert.notEqual(JSON.stringify(of(runner.slice(one))), before, 'it has heard')
  runner.receive({ ...signal, ...dropped.of('one') })
  const twoAfter = JSON.stringify(of(runner.slice(two)))
  assert.throws(() => runner.slice(one), { code: 'SBX_AGENT_INVALID' }, 'it is gone')
  assert.equal(runner.listensTo(heard.type), true, 'the other one still hears')
  runner.receive({ ...signal, ...dropped.of('two') })
  assert.equal(runner.listensTo(heard.type), false, 'nobody is left who hears')
  assert.equal(typeof twoAfter, 'string')
  assert.deepEqual(faults, [])
  runner.close()
}
