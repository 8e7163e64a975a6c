import assert from 'node:assert/strict'
import { rollDie } from '../../../agents/kit/dice.ts'
import type { AnyAction } from '../../../agents/kit/grammar/action.ts'
import { defineAgent } from '../../../agents/kit/grammar/agent.ts'
import { mount, stay, unmount } from '../../../agents/kit/grammar/directive.ts'
import { type Draft, defineSignal } from '../../../agents/kit/grammar/signal.ts'
import type { Mounted } from '../../../agents/kit/grammar/skill.ts'
import { Runner } from '../../../agents/kit/run/runner.ts'
import { NOTHING_SEEN, type TablesView, tablesSeen } from '../../../agents/kit/tables.ts'
import { VirtualClock } from '../../../agents/kit/virtual/virtual-clock.ts'
import { validateConfig } from '../../../engine/config/load.ts'

const begin = defineSignal('test.second.begun')
const end = defineSignal('test.both.ended')

export interface Told<Slice> {
  /** Of the mount that is there from the start, and heard both. */
  readonly first: Slice
  /** Of the one that came in between, and heard the second only. */
  readonly second: Slice
}

/**
 * One skill mounted twice at one agent: the first hears `before` and `after`, the second comes in between. Fails unless their states are two,
 * and unless nobody hears signals of these types any more once both are unmounted. What its sensors would read is left out; where it looks at
 * the tables, it sees `tables`.
 */
export async function toldTwice<Slice>(
  mountAt: (key: string) => Mounted<Slice>,
  { before, after, tables = NOTHING_SEEN }: { before: Draft; after: Draft; tables?: TablesView },
): Promise<Told<Slice>> {
  const faked = (key: string): Mounted<Slice> => {
    const mounted = mountAt(key)
    const look = { name: 'look-at-tables', done: tablesSeen, run: () => structuredClone(tables) }
    const actions = mounted.actions.map((each: AnyAction) => (each.name === look.name ? { ...each, ...look } : each))
    const sensors = mounted.sensors.map(sensor => ({ ...sensor, read: () => new Promise(() => {}) }))
    return { ...mounted, actions, sensors }
  }
  const [first, second] = [faked('first'), faked('second')]
  const agent = defineAgent({
    name: 'bearer',
    role: 'bearer',
    listens: [begin, end],
    writes: ['shedFrom', 'admitted'],
    skills: [first],
    start: () => stay(null),
    decide: (state, signal) =>
      begin.is(signal)
        ? { state, directives: [mount(second)] }
        : end.is(signal)
          ? { state, directives: [unmount('first'), unmount('second')] }
          : stay(state),
  })
  const clock = new VirtualClock()
  let seed = 7
  const runner = new Runner(agent, {
    clock,
    dice: () => {
      const die = rollDie(seed)
      seed = die.seed
      return die.value
    },
    edge: {} as never,
    send: () => 0,
    write() {},
    fault(error) {
      throw error
    },
    report() {},
    listen() {},
  })
  runner.start({ config: validateConfig({ services: { api: {} } }), configVersion: 1, bootMs: 0, incarnation: 1 })
  const hear = async (draft: Draft): Promise<void> => {
    runner.receive({ id: '1', specversion: '1.0', source: '/test', time: '', ...draft })
    for (let turn = 0; turn < 8; turn++) {
      await null
      clock.advance(1)
    }
  }
  await hear(before)
  await hear(begin.of(null))
  await hear(after)
  const told = { first: runner.slice(first), second: runner.slice(second) }
  assert.notDeepEqual(told.first, told.second)
  await hear(end.of(null))
  assert.deepEqual([runner.listensTo(before.type), runner.listensTo(after.type)], [false, false])
  runner.close()
  return told
}
