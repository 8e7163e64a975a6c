import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { defineAgent } from '../../../../agents/kit/grammar/agent.ts'
import { stay } from '../../../../agents/kit/grammar/directive.ts'
import { trusted } from '../../../../agents/kit/grammar/schema.ts'
import { defineSensor } from '../../../../agents/kit/grammar/sensor.ts'
import { defineSignal } from '../../../../agents/kit/grammar/signal.ts'
import { defineSkill } from '../../../../agents/kit/grammar/skill.ts'
import { run, signal } from './tiny-runner.ts'

const told = defineSignal('signalbox.test.told', { data: trusted<number>() })
const levelRead = defineSignal('signalbox.level.read', { data: trusted<number>(), telemetry: true })
const noted = defineSignal('acme.level.noted', { data: z.object({ level: z.number() }) })
const seen = defineSignal('acme.level.seen', { data: z.number() })

test('of strangers a runner takes what somebody listens to and can check: no readings, nothing that is trusted, nothing by a pattern alone', async () => {
  const heard = (state: readonly string[], { type }: { type: string }) => stay([...state, type])
  const listener = defineSkill({
    name: 'listener',
    listens: [noted, told, 'acme.**'],
    start: () => stay([] as readonly string[]),
    decide: heard,
  })
  const both = listener.mount('both', undefined)
  const agent = defineAgent({
    name: 'watcher',
    role: 'watcher',
    sensors: [
      defineSensor({
        ...{ name: 'gauge', emits: levelRead, everyMs: 1_000, start: () => null, read: () => 1 },
        perceive: (memory, level: number) => ({ memory, readings: [levelRead.of(level)] }),
      }),
      defineSensor({
        ...{ name: 'sight', emits: seen, everyMs: 1_000, start: () => null, read: () => 1 },
        perceive: memory => ({ memory, readings: [] }),
      }),
    ],
    skills: [both],
    start: () => stay([] as readonly string[]),
    decide: heard,
  })
  const { runner, advance } = run(agent)
  await advance(10)
  const tell = (type: string, data: unknown) => runner.receive(signal(type, data), true)
  assert.deepEqual(
    [
      tell(levelRead.type, null),
      tell(told.type, null),
      tell('acme.word.unheard', null),
      tell(noted.type, { level: 1 }),
      tell(seen.type, 3),
      tell(noted.type, {}).kind,
      tell(seen.type, 'x').kind,
    ],
    [...Array(3).fill({ kind: 'unknown' }), { kind: 'taken' }, { kind: 'taken' }, 'invalid', 'invalid'],
  )
  // The agent hears its own reading alone; what somebody else says of the level only who listens to it.
  assert.deepEqual(runner.state, [levelRead.type])
  assert.deepEqual(runner.slice(both), [noted.type, seen.type])
  assert.equal(runner.redrive(), 2, 'strangers they stay when they are given another try')
  assert.deepEqual([runner.deadLetters.length, runner.state], [2, [levelRead.type]])
  // Another agent is believed.
  assert.deepEqual(runner.receive(signal(told.type, 1)), { kind: 'taken' })
})
