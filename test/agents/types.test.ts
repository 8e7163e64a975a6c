import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import {
  type Action,
  act,
  ask,
  defineAction,
  defineAgent,
  defineSensor,
  defineSignal,
  defineSkill,
  emit,
  reply,
  type Signal,
  type SignalOf,
  schedule,
  stay,
  trusted,
} from '../../agents/index.ts'

/**
 * What the compiler knows of agents. The promises are kept by tsc, which builds this file: where a line below `@ts-expect-error` is good
 * to it, or any other is not, the build fails. What runs here are the few things that it shows besides.
 */

const priceTold = defineSignal('acme.price.told', { data: z.object({ cents: z.int() }) })
const shopOpened = defineSignal('acme.shop.opened', { data: trusted<{ readonly street: string }>() })
const dayBegun = defineSignal('acme.day.begun')
const levelRead = defineSignal('acme.level.read', { data: trusted<number>() })
const summed = defineSignal('acme.bill.summed', { data: trusted<{ readonly sum: number }>() })

const sumUp = defineAction({
  name: 'sum-up',
  done: summed,
  run: ({ cents, count }: { cents: number; count: number }) => ({ sum: cents * count }),
})

test('what a signal carries follows from its type in decide(), and from its kind where that recognises it', () => {
  defineAgent({
    name: 'shop',
    role: 'shop',
    listens: [priceTold, shopOpened],
    own: [dayBegun],
    actions: [sumUp],
    start: () => stay(0),
    decide(cents, signal) {
      if (summed.is(signal)) return stay(cents + signal.data.sum)
      switch (signal.type) {
        case 'acme.price.told': {
          const more: number = signal.data.cents
          // @ts-expect-error: a price has no street
          void signal.data.street
          return stay(cents + more)
        }
        case 'acme.shop.opened':
          return stay(cents + signal.data.street.length)
        case 'acme.day.begun': {
          // @ts-expect-error: it carries nothing
          void signal.data.cents
          const nothing: null = signal.data
          return stay(nothing ?? cents)
        }
        // @ts-expect-error: it does not listen to that
        case 'acme.level.read':
          return stay(cents)
      }
    },
  })
})

test('what is heard by a pattern carries nobody knows what', () => {
  defineAgent({
    name: 'shop',
    role: 'shop',
    listens: ['acme.**'],
    start: () => stay(0),
    decide(cents, signal) {
      // @ts-expect-error: it is to be recognised first
      void signal.data.cents
      return stay(priceTold.is(signal) ? signal.data.cents : cents)
    },
  })
})

test('a wrong payload does not compile, whichever way it is sent', () => {
  const question = {} as Signal
  emit(priceTold.of({ cents: 5 }))
  // @ts-expect-error: prices are in cents
  emit(priceTold.of({ euros: 5 }))
  // @ts-expect-error: cents are a number
  schedule(10, priceTold.of({ cents: '5' }))
  // @ts-expect-error: cents are missing
  ask(priceTold.of({}), 100)
  // @ts-expect-error: a day carries nothing
  reply(question, dayBegun.of({ cents: 5 }))
  const told: SignalOf<typeof priceTold>['data'] = { cents: 5 }
  // @ts-expect-error: as above
  const wrong: SignalOf<typeof priceTold>['data'] = { euros: 5 }
  assert.notDeepEqual(told, wrong)
})

test('params of an action are those its run takes, and its result is what its kind carries', () => {
  assert.deepEqual(act(sumUp, { cents: 5, count: 2 }).params, { cents: 5, count: 2 })
  // @ts-expect-error: how many?
  act(sumUp, { cents: 5 })
  // @ts-expect-error: cents are a number
  act(sumUp, { cents: '5', count: 2 })
  // @ts-expect-error: nothing is known of taxes
  act(sumUp, { cents: 5, count: 2, tax: 1 })
  // @ts-expect-error: a sum is no text
  defineAction({ name: 'sum-up', done: summed, run: () => ({ sum: '10' }) })
  const params = z.object({ cents: z.int() })
  const checked = defineAction({ name: 'sum-up', params, done: summed, run: ({ cents }) => ({ sum: cents }) })
  const known: Action<{ cents: number }> = checked
  assert.equal(known.name, 'sum-up')
  // @ts-expect-error: its schema says what it takes
  act(checked, { count: 2 })
})

test('a slice of a skill has the type that the skill gives it, and options are those it asks for', () => {
  const counting = defineSkill({
    name: 'counting',
    listens: [priceTold],
    start: (options: { readonly step: number }) => stay({ count: 0, step: options.step }),
    decide: (slice, signal) => {
      // @ts-expect-error: a price has no street
      void signal.data.street
      return stay({ ...slice, count: slice.count + slice.step * signal.data.cents })
    },
  })
  const ones = counting.mount('ones', { step: 1 })
  // @ts-expect-error: a step is a number
  counting.mount('twos', { step: 'two' })
  defineAgent({
    name: 'shop',
    role: 'shop',
    listens: [priceTold],
    skills: [ones],
    start: () => stay(0),
    decide(_state, _signal, _now, slices) {
      // @ts-expect-error: it has no sum
      void slices.of(ones).sum
      const count: number = slices.of(ones).count
      return stay(count)
    },
  })
})

test('perceive() of a sensor gets what its read() returns or promises, and remembers what start() said', () => {
  const level = defineSensor({
    name: 'level',
    emits: levelRead,
    everyMs: 100,
    start: () => ({ before: 0 }),
    read: async () => ({ level: 5, unit: 'cm' }),
    perceive(memory, raw) {
      // @ts-expect-error: a promise is waited for
      void raw.then
      // @ts-expect-error: it reads no pressure
      void raw.pressure
      // @ts-expect-error: it remembers no level
      void memory.level
      return raw.level === memory.before
        ? { memory, readings: [] }
        : { memory: { before: raw.level }, readings: [levelRead.of(raw.level)] }
    },
  })
  defineSensor({
    ...{ name: 'level', emits: levelRead, everyMs: 100 },
    start: () => null,
    read: () => 5,
    // @ts-expect-error: a level is no price
    perceive: memory => ({ memory, readings: [priceTold.of({ cents: 5 })] }),
  })
  defineAgent({
    name: 'gauge',
    role: 'gauge',
    sensors: [level],
    start: () => stay(0),
    decide: (_state, { data }) => stay<number>(data),
  })
})

test('words are those of the tables', () => {
  defineAgent({
    name: 'shop',
    role: 'shop',
    // @ts-expect-error: there is no such word
    writes: ['wait'],
    start: () => stay(0),
    decide: state => stay(state),
  })
})
