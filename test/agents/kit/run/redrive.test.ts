import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { defineAgent } from '../../../../agents/kit/grammar/agent.ts'
import { stay, unmount } from '../../../../agents/kit/grammar/directive.ts'
import { defineSignal } from '../../../../agents/kit/grammar/signal.ts'
import { defineSkill } from '../../../../agents/kit/grammar/skill.ts'
import { run, signal } from './tiny-runner.ts'

const noted = defineSignal('acme.level.noted', { data: z.object({ level: z.number() }) })
const closed = defineSignal('acme.office.closed')

test('a dead letter that nobody listens to any more when it is given another try stays a dead letter', () => {
  const filer = defineSkill({
    name: 'filer',
    listens: [noted],
    start: () => stay(null),
    decide: slice => stay(slice),
  }).mount('filer', undefined)
  const { runner } = run(
    defineAgent({
      name: 'office',
      role: 'office',
      listens: [closed],
      skills: [filer],
      start: () => stay(null),
      decide: state => ({ state, directives: [unmount('filer')] }),
    }),
  )
  runner.receive(signal(noted.type, {}))
  runner.receive(signal(closed.type))
  assert.equal(runner.redrive(), 1)
  const { letters, died } = runner.deadLetters.report()
  assert.deepEqual(
    letters.map(({ signal: { type }, reason, attempts }) => [type, reason, attempts]),
    [[noted.type, 'undeliverable', 2]],
  )
  assert.deepEqual([died.invalid, died.undeliverable], [1, 1])
})
