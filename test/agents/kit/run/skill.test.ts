import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineAction } from '../../../../agents/kit/grammar/action.ts'
import { defineAgent } from '../../../../agents/kit/grammar/agent.ts'
import { act, emit, mount, type Step, schedule, stay, tell, unmount } from '../../../../agents/kit/grammar/directive.ts'
import { trusted } from '../../../../agents/kit/grammar/schema.ts'
import { defineSensor } from '../../../../agents/kit/grammar/sensor.ts'
import { defineSignal } from '../../../../agents/kit/grammar/signal.ts'
import { defineSkill } from '../../../../agents/kit/grammar/skill.ts'
import { run, signal } from './tiny-runner.ts'

const told = defineSignal('signalbox.test.told', { data: trusted<number>() })
const ticked = defineSignal('signalbox.test.ticked')
const doubled = defineSignal('signalbox.test.doubled', { data: trusted<number>() })

const double = defineAction({ name: 'double', done: doubled, run: (n: number) => 2 * n })

/** Sums up what it hears, in steps of its own size; doubles the sum when it reaches ten. */
const counting = defineSkill({
  name: 'counting',
  listens: [told],
  own: [ticked],
  emits: [told],
  actions: [double],
  start: (options: { step: number }): Step<{ step: number; sum: number; ticks: number }> => ({
    state: { step: options.step, sum: 0, ticks: 0 },
    directives: [],
  }),
  decide(slice, signal) {
    switch (signal.type) {
      case 'signalbox.test.told':
        return {
          state: { ...slice, sum: slice.sum + slice.step * signal.data },
          directives: [schedule(10, ticked.of(null))],
        }
      case 'signalbox.test.ticked':
        return {
          state: { ...slice, ticks: slice.ticks + 1 },
          directives: slice.sum === 10 ? [act(double, slice.sum)] : [],
        }
      case 'signalbox.test.doubled':
        return { state: { ...slice, sum: signal.data }, directives: [emit(told.of(signal.data))] }
    }
  },
})

const ones = counting.mount('ones', { step: 1 })
const tens = counting.mount('tens', { step: 10 })

function withSkills() {
  return run(
    defineAgent({
      name: 'counter',
      role: 'counter',
      listens: [told, 'signalbox.skill.*'],
      skills: [ones, tens],
      start: () => stay([] as readonly number[]),
      decide: (state, { type }, _now, slices) =>
        type === 'signalbox.skill.dropped'
          ? { state, directives: [unmount('tens')] }
          : type === 'signalbox.skill.wanted'
            ? { state, directives: [mount(counting.mount('hundreds', { step: 100 }))] }
            : stay([...state, slices.of(ones).sum]),
    }),
  )
}

test('a skill mounted twice keeps two states, and each hears its own schedules and results alone', async () => {
  const { runner, sent, advance } = withSkills()
  runner.receive(signal('signalbox.test.told', 1))
  await advance(10)
  // The tens have reached ten, and doubled that; the ones have not.
  assert.deepEqual(runner.slice(ones), { step: 1, sum: 1, ticks: 1 })
  assert.deepEqual(runner.slice(tens), { step: 10, sum: 20, ticks: 1 })
  assert.deepEqual(
    sent.map(({ data, source }) => [data, source]),
    [[20, '/signalbox/agents/counter']],
  )
})

test('an agent is composed: what its skills bring replaces nothing of its own, nor of each other (D31, D32)', async () => {
  const shout = defineAction({ name: 'double', done: found, run: (n: number) => 100 * n })
  const { runner, advance } = run(
    defineAgent({
      ...{ name: 'counter', role: 'counter', listens: [told], actions: [shout], skills: [ones, tens] },
      start: () => stay([] as readonly number[]),
      decide: (state, signal) =>
        signal.type === 'signalbox.test.found'
          ? stay([...state, signal.data])
          : { state, directives: [act(shout, signal.data)] },
    }),
  )
  runner.receive(signal('signalbox.test.told', 1))
  await advance(10)
  // Three actions are called `double`: the agent's own multiplies by a hundred, that of a skill by two, each for who asked.
  assert.deepEqual(runner.state, [100])
  assert.equal(runner.slice(tens).sum, 20)
})

test('the same skill on two agents keeps two states', () => {
  const [one, other] = [withSkills(), withSkills()]
  one.runner.receive(signal('signalbox.test.told', 3))
  assert.equal(one.runner.slice(ones).sum, 3)
  assert.equal(other.runner.slice(ones).sum, 0)
})

test('a skill that overhears goes on from what its agent or another skill says, and never from what it says itself', () => {
  const echo = defineSkill({
    name: 'echo',
    listens: [told],
    overhears: [told],
    emits: [told],
    start: () => stay([] as readonly number[]),
    decide: (heard, { data }) => ({
      state: [...heard, data],
      directives: data < 3 ? [emit(told.of(data + 1))] : [],
    }),
  })
  const [left, right] = [echo.mount('left', undefined), echo.mount('right', undefined)]
  const { runner, sent } = run(
    defineAgent({
      name: 'caller',
      role: 'caller',
      listens: ['signalbox.skill.*'],
      emits: [told],
      skills: [left, right, ones],
      start: () => stay(0),
      decide: () => ({ state: 1, directives: [emit(told.of(1))] }),
    }),
  )
  runner.receive(signal('signalbox.skill.asked'))
  // The agent says 1 to both; each says 2 to the other, and the other 3 to that.
  assert.deepEqual(
    [runner.slice(left), runner.slice(right)],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  )
  assert.deepEqual(
    sent.map(({ data }) => data),
    [1, 2, 2, 3, 3],
  )
  assert.equal(runner.slice(ones).sum, 0, 'who does not ask for it hears only others')
  assert.equal(runner.state, 1, 'an agent reads its skills, and does not hear them')
})

test('a skill hears before its agent, which reads its state fresh', () => {
  const { runner } = withSkills()
  for (const n of [1, 2, 3]) runner.receive(signal('signalbox.test.told', n))
  assert.deepEqual(runner.state, [1, 3, 6])
})

test('a skill of a priority below zero hears after its agent', () => {
  const late = defineSkill({
    name: 'late',
    listens: [told],
    priority: -1,
    start: () => stay(0),
    decide: (sum, { data }) => stay(sum + data),
  }).mount('late', undefined)
  const { runner } = run(
    defineAgent({
      name: 'counter',
      role: 'counter',
      listens: [told],
      skills: [late],
      start: () => stay([] as readonly number[]),
      decide: (state, _signal, _now, slices) => stay([...state, slices.of(late)]),
    }),
  )
  for (const n of [1, 2]) runner.receive(signal('signalbox.test.told', n))
  assert.deepEqual(runner.state, [0, 1])
  assert.equal(runner.slice(late), 3)
})

const found = defineSignal('signalbox.test.found', { data: trusted<number>() })

/** Tells its agent and its neighbours what it has found, and looks at what it knows itself. */
const finding = defineSkill({
  name: 'finding',
  listens: [told, found],
  own: [found],
  sensors: [
    defineSensor({
      name: 'knowledge',
      emits: ticked,
      everyMs: 1_000,
      start: () => [] as readonly unknown[],
      read: ({ knows }) => knows(),
      perceive: (seen, known) => ({
        memory: [...seen, known],
        readings: seen.at(-1) === known ? [] : [ticked.of(null)],
      }),
    }),
  ],
  start: () => stay([] as readonly string[]),
  decide: (heard, signal) => ({
    state: signal.type === 'signalbox.test.ticked' ? heard : [...heard, signal.type],
    directives: signal.type === 'signalbox.test.told' ? [tell(found.of(7))] : [],
  }),
})

test('what a skill tells within its agent is heard there by who listens, and by nobody else', () => {
  const [one, other] = [finding.mount('one', undefined), finding.mount('other', undefined)]
  const { runner, sent } = run(
    defineAgent({
      ...{ name: 'finder', role: 'finder', listens: [found], skills: [one, other] },
      start: () => stay([] as readonly number[]),
      decide: (state, { data }) => stay([...state, data]),
    }),
  )
  runner.receive(signal('signalbox.test.told', 1))
  assert.deepEqual(runner.state, [7, 7])
  const [toldType, foundType] = [told.type, found.type]
  assert.deepEqual([runner.slice(one), runner.slice(other)], Array(2).fill([toldType, foundType, foundType]))
  assert.deepEqual(sent, [])
})

test('a sensor may look at what its skill knows now', async () => {
  const mounted = finding.mount('one', undefined)
  const { runner, advance } = run(
    defineAgent({
      ...{ name: 'finder', role: 'finder', listens: [ticked], skills: [mounted] },
      start: () => stay(0),
      decide: state => stay(state + 1),
    }),
  )
  await advance(1_500)
  assert.equal(runner.state, 1, 'at the second look nothing is otherwise')
  runner.receive(signal('signalbox.test.told', 1))
  await advance(1_000)
  assert.equal(runner.state, 2)
})

test('a skill that is unmounted hears nothing more, and what it had scheduled comes to nothing', async () => {
  const { runner, advance } = withSkills()
  runner.receive(signal('signalbox.test.told', 1))
  runner.receive(signal('signalbox.skill.dropped'))
  assert.throws(() => runner.slice(tens), { code: 'SBX_AGENT_INVALID' })
  await advance(100)
  assert.deepEqual(runner.slice(ones), { step: 1, sum: 1, ticks: 1 })
})

test('a skill can be mounted later, and begins then', () => {
  const { runner } = withSkills()
  runner.receive(signal('signalbox.test.told', 1))
  runner.receive(signal('signalbox.skill.wanted'))
  runner.receive(signal('signalbox.test.told', 2))
  assert.equal(runner.slice(counting.mount('hundreds', { step: 100 })).sum, 200)
})

test('an agent hears by patterns, and does not hear what neither it nor a skill of it listens to', () => {
  const { runner } = withSkills()
  runner.receive(signal('signalbox.elsewhere.told', 7))
  assert.equal(runner.handled, 0)
  assert.deepEqual(
    ['signalbox.skill.wanted', 'signalbox.test.told', 'signalbox.elsewhere.told'].map(type => runner.listensTo(type)),
    [true, true, false],
  )
})

const levelRead = defineSignal('signalbox.level.read', { data: trusted<number>(), telemetry: true })

/** A sensor of a level that others change; it says when it has changed, and looks twice as often while it does. */
function gauge(read: () => number | Promise<number>) {
  return defineSensor({
    name: 'gauge',
    emits: levelRead,
    everyMs: 100,
    timeoutMs: 50,
    start: () => Number.NaN,
    read,
    perceive: (before: number, level: number) =>
      level === before
        ? { memory: before, readings: [] }
        : { memory: level, readings: [levelRead.of(level)], nextMs: 50 },
  })
}

function sensing(read: () => number | Promise<number>, emits = [levelRead]) {
  return run(
    defineAgent({
      name: 'watcher',
      role: 'watcher',
      emits,
      sensors: [gauge(read)],
      start: () => stay([] as readonly number[]),
      decide: (state, { data }) => stay([...state, data]),
    }),
  )
}

test('a sensor looks at once and then on its schedule, and its agent hears what it makes of that', async () => {
  let looks = 0
  const { runner, advance, sent } = sensing(() => [5, 5, 6][looks++] ?? 6)
  await advance(1)
  assert.deepEqual(runner.state, [5])
  await advance(60)
  assert.equal(looks, 2)
  await advance(100)
  assert.deepEqual([looks, runner.state], [3, [5, 6]])
  assert.deepEqual(
    sent.map(({ data }) => data),
    [5, 6],
  )
})

test('readings stay with an agent that does not emit them', async () => {
  const { runner, advance, sent } = sensing(() => 1, [])
  await advance(10)
  assert.deepEqual(runner.state, [1])
  assert.deepEqual(sent, [])
})

test('a look that fails or takes too long is counted, and the schedule goes on', async () => {
  let looks = 0
  const { runner, advance, faults } = sensing(() => {
    looks++
    if (looks === 1) throw new Error('broken')
    if (looks === 2) return new Promise(() => {})
    return Promise.resolve(3)
  })
  await advance(100)
  assert.equal(looks, 2)
  await advance(160)
  assert.equal(looks, 3)
  assert.deepEqual(runner.state, [3])
  assert.deepEqual(faults, [])
})

test('a sensor that cannot make sense of what it read has broken its promise', async () => {
  const broken = { ...gauge(() => 1), perceive: () => assert.fail('no sense') }
  const { advance, faults } = run(
    defineAgent({
      name: 'watcher',
      role: 'watcher',
      sensors: [broken],
      start: () => stay(null),
      decide: state => stay(state),
    }),
  )
  await advance(10)
  assert.deepEqual(faults, ['no sense'])
})
