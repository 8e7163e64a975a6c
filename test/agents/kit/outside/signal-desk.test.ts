import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { writeEndpoint } from '../../../../agents/kit/grammar/directive.ts'
import { defineSignal, type Signal } from '../../../../agents/kit/grammar/signal.ts'
import { Journal } from '../../../../agents/kit/outside/journal.ts'
import { SignalDesk } from '../../../../agents/kit/outside/signal-desk.ts'
import type { Delivery } from '../../../../agents/kit/run/delivery.ts'
import { VirtualClock } from '../../../../agents/kit/virtual/virtual-clock.ts'
import type { HeardEvent } from '../../../../engine/writer.ts'

const NOTED = defineSignal('acme.endpoint.noted', { data: z.object({ row: z.int() }) })
const MEASURED = defineSignal('acme.endpoint.measured', { data: z.null(), telemetry: true })
const INNER = defineSignal('acme.tick.due')

const signal = (id: string, type = 'acme.endpoint.noted', data: unknown = { row: 1 }): Signal => {
  return { id, specversion: '1.0', type, source: '/signalbox/agents/test', time: '2026-01-01T00:00:00.000Z', data }
}

function deskOf(answer: (signal: Signal) => Delivery = () => ({ kind: 'taken' })) {
  const delivered: Signal[] = []
  const journal = new Journal()
  const desk = new SignalDesk({
    clock: new VirtualClock(0),
    journal,
    kinds: [NOTED, MEASURED, INNER],
    deliver: async each => {
      const delivery = answer(each)
      if (delivery.kind === 'taken') delivered.push(each)
      return delivery
    },
    rowOf: (service, id) => (`${service}/${id}` === 'api/a' ? { row: 3, generation: 7 } : undefined),
  })
  const post = (...events: object[]) => {
    const body = JSON.stringify(events.map(each => ({ specversion: '1.0', source: '/ops', ...each })))
    const headers = { 'content-type': ['application/cloudevents-batch+json'] }
    return desk.tell({ headers, body: Buffer.from(body) })
  }
  return { desk, journal, delivered, post }
}

test('SignalDesk hands on what it is told, with a time, as the schema of its kind wants it', async () => {
  const { desk, delivered } = deskOf()
  const headers = {
    'content-type': ['application/json'],
    'ce-specversion': ['1.0'],
    'ce-id': ['7'],
    'ce-source': ['/ops'],
    'ce-type': [NOTED.type],
  }
  assert.deepEqual(await desk.tell({ headers, body: Buffer.from('{"row":4,"more":1}') }), { isTaken: true, ids: ['7'] })
  const { time, ...rest } = delivered[0]!
  assert.equal(time, '2023-11-14T22:13:20.000Z')
  assert.deepEqual(rest, { id: '7', specversion: '1.0', type: NOTED.type, source: '/ops', data: { row: 4 } })
})

test('SignalDesk hands on none of several events when one is wrong', async () => {
  const { delivered, post } = deskOf()
  const good = { id: '1', type: NOTED.type, data: { row: 1 } }
  const told = await post(good, { id: '2', type: NOTED.type, data: { row: 'x' } })
  assert.ok(!told.isTaken)
  assert.equal(told.because, 'invalid')
  assert.match(told.fault, /^event "2" of "acme\.endpoint\.noted": row: .*expected number/)
  const other = await post(good, { id: '', type: 'x' })
  assert.deepEqual(other, {
    isTaken: false,
    because: 'invalid',
    fault: 'in event 1: "id" is empty, write something or leave it out',
  })
  assert.deepEqual(delivered, [])
})

test('SignalDesk takes nothing from outside that has no schema: agents trust it', async () => {
  const { delivered, post } = deskOf()
  assert.deepEqual(await post({ id: '1', type: INNER.type }), {
    isTaken: false,
    because: 'unknown',
    fault: 'event "1" of "acme.tick.due": its type has no schema, so it is not taken from outside',
  })
  assert.deepEqual(delivered, [])
})

test('SignalDesk keeps of a long fact from outside that it was told, and lets all of it be heard', async () => {
  const { desk, journal, post } = deskOf()
  const heard: HeardEvent[] = []
  desk.hear({}, event => heard.push(event))
  const data = 'x'.repeat(5_000)
  await post({ id: 'long', type: 'acme.thing.told', data })
  assert.equal(journal.chain('long')[0]!.data, null)
  assert.equal(JSON.parse(heard[0]!.json).data, data)
})

test('SignalDesk says that nobody listens, that there is no room, or what the agent finds wrong, and where to go on', async () => {
  const answers: Record<string, Delivery> = {
    full: { kind: 'full' },
    silent: { kind: 'silent' },
    unknown: { kind: 'unknown' },
    invalid: { kind: 'invalid', fault: 'a: expected string' },
  }
  const { delivered, post } = deskOf(({ id }) => answers[id] ?? { kind: 'taken' })
  const event = (id: string) => ({ id, type: 'acme.thing.told', data: 1 })
  assert.deepEqual(await post(event('full')), {
    isTaken: false,
    because: 'full',
    fault: 'event "full" of "acme.thing.told": who listens to it has no room for it now',
  })
  assert.deepEqual(await post(event('silent')), {
    isTaken: false,
    because: 'silent',
    fault:
      'event "silent" of "acme.thing.told": a thread of agents has not said in time whether it is taken, it may be heard yet',
  })
  assert.deepEqual(await post(event('unknown')), {
    isTaken: false,
    because: 'unknown',
    fault: 'event "unknown" of "acme.thing.told": no agent that runs listens to its type and can check what it carries',
  })
  assert.deepEqual(await post(event('1'), event('invalid'), event('2')), {
    isTaken: false,
    because: 'invalid',
    fault: 'event "invalid" of "acme.thing.told": a: expected string (those before it were taken, go on from this one)',
  })
  assert.deepEqual(
    delivered.map(({ id }) => id),
    ['1'],
  )
})

test('SignalDesk lets everybody hear the facts of their types, and what they have missed first', () => {
  const { desk } = deskOf()
  for (const id of ['1', '2', '3']) desk.told(signal(id))
  desk.told(signal('4', 'acme.service.noted'))
  const heard: string[] = []
  const hearing = desk.hear({ types: ['acme.endpoint.*', 'acme.**.noted', 'other'], after: '1' }, ({ id }) =>
    heard.push(id),
  )
  assert.equal(hearing.isResumed, true)
  desk.told(signal('5'))
  desk.told(signal('6', 'acme.endpoint.returned'))
  desk.told(signal('7', 'acme.service.gone'))
  hearing.stop()
  desk.told(signal('8'))
  assert.deepEqual(heard, ['2', '3', '4', '5', '6'])
  assert.equal(desk.hear({ after: 'long ago' }, () => {}).isResumed, false)
  assert.throws(() => desk.hear({ types: ['a..b'] }, () => {}), { code: 'SBX_AGENT_INVALID' })
})

test('SignalDesk makes every fact an event of CloudEvents; one that cannot be is counted', () => {
  const { desk } = deskOf()
  const heard: HeardEvent[] = []
  desk.hear({}, event => heard.push(event))
  desk.told(signal('1'))
  desk.told(signal('2', 'acme.endpoint.noted', 5n))
  assert.deepEqual(
    heard.map(({ json }) => JSON.parse(json)),
    [{ ...signal('1'), datacontenttype: 'application/json' }],
  )
  assert.equal(desk.unheard, 1)
})

test('SignalDesk explains a word by what it was told from outside, but keeps no readings', async () => {
  const { desk, journal, post } = deskOf()
  await post({ id: '1', type: NOTED.type, data: { row: 1 } }, { id: '2', type: MEASURED.type })
  assert.equal(journal.length, 1)
  const cause = { ...signal('own'), causationid: '1' }
  const directive = writeEndpoint('factor', { row: 3, generation: 7 }, 0.5)
  journal.wrote({ agent: 'x', directive, wallMs: 0, cause })
  const { factor } = desk.explain('api', 'a')
  assert.deepEqual([factor!.value, factor!.by], [0.5, 'x'])
  assert.deepEqual(
    factor!.chain.map(each => (each as Signal).id),
    ['own', '1'],
  )
  assert.deepEqual(desk.explain('api', 'b'), {})
})
