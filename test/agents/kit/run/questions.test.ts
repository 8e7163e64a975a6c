import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { defineAgent } from '../../../../agents/kit/grammar/agent.ts'
import { ask, reply, type Step, stay } from '../../../../agents/kit/grammar/directive.ts'
import { unanswered } from '../../../../agents/kit/grammar/own-signals.ts'
import { defineSignal, type Signal } from '../../../../agents/kit/grammar/signal.ts'
import { run, signal } from './tiny-runner.ts'

const priceAsked = defineSignal('acme.price.asked', { data: z.object({ of: z.string() }), overflow: 'reject' })
const priceTold = defineSignal('acme.price.told', { data: z.object({ cents: z.int() }), answers: priceAsked })
const begun = defineSignal('acme.day.begun')

const buyer = defineAgent({
  name: 'buyer',
  role: 'buyer',
  listens: [begun, priceTold, unanswered],
  emits: [priceAsked],
  start: (): Step<readonly unknown[]> => stay([]),
  decide(state, signal) {
    if (signal.type === 'acme.day.begun') return { state, directives: [ask(priceAsked.of({ of: 'tea' }), 200)] }
    return stay([...state, signal.data])
  },
})

function asking(peers = 1) {
  const world = run(buyer, { peers })
  world.runner.receive(signal('acme.day.begun'))
  const question = world.sent[0] as Signal
  return { ...world, question }
}

test('ask() brings the first answer to the question, and no other', async () => {
  const { runner, question, advance } = asking()
  runner.receive(signal('acme.price.told', { cents: 1 }, { causationid: 'another question' }))
  runner.receive(signal('acme.price.told', { cents: 2 }, { causationid: question.id }))
  runner.receive(signal('acme.price.told', { cents: 3 }, { causationid: question.id }))
  await advance(1_000)
  assert.deepEqual(runner.state, [{ cents: 2 }])
})

test('ask() without an answer in time says so, how long it was waited for, and what to look at', async () => {
  const { runner, question, advance } = asking()
  await advance(190)
  assert.deepEqual(runner.state, [])
  await advance(10)
  const hint = 'who listens to it has not answered: see its status for what it is busy with'
  const told = { question: question.id, type: 'acme.price.asked', waitedMs: 200, sentTo: 1, queued: 0, hint }
  assert.deepEqual(runner.state, [told])
  // Too late is no answer.
  runner.receive(signal('acme.price.told', { cents: 2 }, { causationid: question.id }))
  assert.deepEqual(runner.state, [told])
})

test('ask() that nobody listens to says so', async () => {
  const { runner, advance } = asking(0)
  await advance(200)
  assert.match((runner.state as { hint: string }[])[0]!.hint, /no agent here listens to it/)
})

test('an answer that is not what it says is a dead letter, and the question goes on waiting', async () => {
  const { runner, question, advance } = asking()
  runner.receive(signal('acme.price.told', { cents: 'two' }, { causationid: question.id }))
  const { letters } = runner.deadLetters.report()
  assert.deepEqual(
    letters.map(({ reason, fault }) => [reason, fault?.split(':')[0]]),
    [['invalid', 'cents']],
  )
  runner.receive(signal('acme.price.told', { cents: 2 }, { causationid: question.id }))
  await advance(1_000)
  assert.deepEqual(runner.state, [{ cents: 2 }])
})

test('reply() answers its question, whatever was heard since', () => {
  const seller = defineAgent({
    name: 'seller',
    role: 'seller',
    listens: [priceAsked, begun],
    emits: [priceTold],
    start: () => stay<Signal | null>(null),
    decide: (asked, signal) =>
      signal.type === 'acme.price.asked' || asked === null
        ? stay<Signal | null>(signal)
        : { state: null, directives: [reply(asked, priceTold.of({ cents: 5 }))] },
  })
  const { runner, sent } = run(seller)
  runner.receive(signal('acme.price.asked', { of: 'tea' }, { id: 'q' }))
  runner.receive(signal('acme.day.begun', null, { id: 'd' }))
  assert.deepEqual(
    sent.map(({ type, data, causationid }) => ({ type, data, causationid })),
    [{ type: 'acme.price.told', data: { cents: 5 }, causationid: 'q' }],
  )
})

test('decide() knows what a signal carries by its type', () => {
  defineAgent({
    name: 'typed',
    role: 'typed',
    listens: [priceAsked, begun],
    own: [priceTold],
    start: () => stay(0),
    decide(state, signal) {
      switch (signal.type) {
        case 'acme.price.asked': {
          const of: string = signal.data.of
          // @ts-expect-error: a question of a price has no cents
          void signal.data.cents
          return stay(state + of.length)
        }
        case 'acme.price.told':
          return stay(state + signal.data.cents)
        case 'acme.day.begun': {
          const nothing: null = signal.data
          return stay(nothing ?? state)
        }
        // @ts-expect-error: it does not listen to that
        case 'acme.night.begun':
          return stay(state)
      }
    },
  })
  // @ts-expect-error: a price is told in cents
  priceTold.of({ euros: 1 })
})
