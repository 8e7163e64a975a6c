import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineAction } from '../../../../agents/kit/grammar/action.ts'
import { type Agent, defineAgent } from '../../../../agents/kit/grammar/agent.ts'
import { act, emit, schedule, stay, writeEndpoint } from '../../../../agents/kit/grammar/directive.ts'
import { trusted } from '../../../../agents/kit/grammar/schema.ts'
import { defineSignal, type Signal } from '../../../../agents/kit/grammar/signal.ts'
import type { Ports } from '../../../../agents/kit/run/ports.ts'
import { Runner } from '../../../../agents/kit/run/runner.ts'
import { VirtualClock } from '../../../../agents/kit/virtual/virtual-clock.ts'

const told = defineSignal('signalbox.test.told', { data: trusted<string>() })
const measured = defineSignal('signalbox.test.measured', { data: trusted<number>(), telemetry: true })
const asked = defineSignal('signalbox.test.answered', { data: trusted<string>() })

const BLANK: Agent<readonly string[]> = {
  name: 'test-agent',
  role: 'test-agent',
  own: [told],
  capabilities: [],
  sensors: [],
  skills: [],
  listens: [told, measured],
  emits: [told],
  writes: ['health'],
  actions: [],
  start: () => stay([]),
  decide: (state, signal) => stay([...state, String(signal.data)]),
}

function run(agent: Agent<readonly string[]>) {
  const clock = new VirtualClock(0)
  const sent: Signal[] = []
  const writes: unknown[] = []
  const ports: Ports = {
    clock,
    dice: () => 0.75,
    edge: {} as never,
    send: signal => sent.push(signal),
    write: directive => writes.push(directive),
    fault(error) {
      throw error
    },
    report() {},
    listen() {},
  }
  const runner = new Runner(defineAgent(agent), ports)
  runner.start({ config: {} as never, configVersion: 1, bootMs: 0, incarnation: 1 })
  return { runner, clock, sent, writes }
}

const signal = (type: string, data: unknown): Signal => {
  return { id: 'x', specversion: '1.0', type, source: '/test', time: '', data }
}

test('Runner hears only what its agent listens to', () => {
  const { runner } = run(BLANK)
  runner.receive(signal('signalbox.test.told', 'yes'))
  runner.receive(signal('signalbox.test.forgotten', 'no'))
  assert.deepEqual(runner.state, ['yes'])
  assert.equal(runner.handled, 1)
})

test('Runner performs the directives of one decision in order, and each signal names its cause', () => {
  const { runner, sent, writes } = run({
    ...BLANK,
    decide: (state, { data }) => ({
      state: [...state, String(data)],
      directives: [
        emit(told.of('first')),
        writeEndpoint('health', { row: 1, generation: 2 }, 3),
        emit(told.of('second')),
      ],
    }),
  })
  runner.receive(signal('signalbox.test.told', 'go'))
  assert.deepEqual(
    sent.map(({ data, causationid }) => [data, causationid]),
    [
      ['first', 'x'],
      ['second', 'x'],
    ],
  )
  assert.deepEqual(writes, [{ kind: 'write-endpoint', column: 'health', row: 1, generation: 2, value: 3 }])
})

test('Runner delivers a schedule when it is due, off by the spread that the dice give', () => {
  const { runner, clock } = run({
    ...BLANK,
    // 0.75 on the dice is half of the spread above: 100 + 0.5 × 20.
    start: () => ({ state: [], directives: [schedule(100, told.of('due'), 20)] }),
  })
  clock.advance(109)
  assert.deepEqual(runner.state, [])
  clock.advance(1)
  assert.deepEqual(runner.state, ['due'])
})

test('Runner brings the result of an action back as a signal, at once or when its promise is kept', async () => {
  const at = defineAction({ name: 'at-once', done: asked, run: (text: string) => `${text}!` })
  const later = defineAction({ name: 'later', done: asked, run: async (text: string) => `${text}?` })
  const { runner } = run({
    ...BLANK,
    actions: [at, later],
    start: () => ({ state: [], directives: [act(later, 'b'), act(at, 'a')] }),
  })
  assert.deepEqual(runner.state, ['a!'])
  await Promise.resolve()
  await Promise.resolve()
  assert.deepEqual(runner.state, ['a!', 'b?'])
})

test('Runner refuses an action that its agent has not listed', () => {
  const stray = defineAction({ name: 'stray', done: asked, run: (_: null) => 'x' })
  assert.throws(() => run({ ...BLANK, start: () => ({ state: [], directives: [act(stray, null)] }) }), {
    code: 'SBX_AGENT_INVALID',
  })
})

test('Runner deals with a flood in turns, and counts what its mailbox had no room for', () => {
  // Telemetry that arrives while a decision is being made (here: from within it) waits in the mailbox.
  let isFlooded = false
  const { runner, clock } = run({
    ...BLANK,
    decide: (state, { data }) => {
      if (!isFlooded) {
        isFlooded = true
        for (let i = 0; i < 2_000; i++) runner.receive(signal('signalbox.test.measured', i))
      }
      return stay([...state, String(data)])
    },
  })
  runner.receive(signal('signalbox.test.told', 'start'))
  // A turn is 256 signals; 1,024 of the 2,000 had room; the oldest gave way.
  assert.equal(runner.handled, 256)
  clock.advance(10)
  assert.equal(runner.handled, 1 + 1_024)
  assert.equal(runner.dropped, 976)
  assert.equal((runner.state as string[]).at(-1), '1999')
})

test('Runner that is closed hears nothing more, and no timer of it fires', () => {
  const { runner, clock } = run({ ...BLANK, start: () => ({ state: [], directives: [schedule(10, told.of('due'))] }) })
  runner.close()
  runner.receive(signal('signalbox.test.told', 'late'))
  clock.advance(100)
  assert.deepEqual(runner.state, [])
})

test('defineAgent() refuses a name that is not kebab-case, an agent without a role, and two actions of one name (AG-0)', () => {
  const action = defineAction({ name: 'same', done: asked, run: (_: null) => 'x' })
  assert.throws(() => defineAgent({ ...BLANK, name: 'Health Monitor' }), { code: 'SBX_AGENT_INVALID' })
  const { role: _, ...roleless } = BLANK
  assert.throws(() => defineAgent(roleless as never), { code: 'SBX_AGENT_INVALID', message: /it has no role/ })
  assert.throws(() => defineAgent({ ...BLANK, actions: [action, action] }), { code: 'SBX_AGENT_INVALID' })
})
