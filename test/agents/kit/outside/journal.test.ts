import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { writeEndpoint, writeService } from '../../../../agents/kit/grammar/directive.ts'
import type { Signal } from '../../../../agents/kit/grammar/signal.ts'
import { Journal } from '../../../../agents/kit/outside/journal.ts'

const signal = (id: string, causationid?: string, subject?: string): Signal => {
  return {
    id,
    specversion: '1.0',
    type: 'signalbox.test.told',
    source: '/signalbox/agents/test',
    ...(subject === undefined ? {} : { subject }),
    time: '2026-01-01T00:00:00.000Z',
    data: { id },
    ...(causationid === undefined ? {} : { causationid }),
  }
}

const ROW = { row: 3, generation: 7 }
const WALL_MS = Date.UTC(2026, 0, 1)
const ids = (signals: readonly Signal[] | undefined): string[] | undefined => signals?.map(({ id }) => id)

/** a ── b ── c, and d which follows from a as well. */
function story(room?: number): Journal {
  const journal = new Journal(room)
  journal.told(signal('a', undefined, 'api/x'))
  journal.told(signal('b', 'a'))
  journal.told(signal('c', 'b', 'api/x'))
  journal.told(signal('d', 'a'))
  return journal
}

test('Journal leads from an effect back to its first cause, and from a cause to its effects', () => {
  const journal = story()
  assert.deepEqual(ids(journal.chain('c')), ['c', 'b', 'a'])
  assert.deepEqual(journal.chain('nobody'), [])
  assert.deepEqual(
    journal.effects('a').map(entry => entry.kind === 'signal' && entry.signal.id),
    ['b', 'd'],
  )
  assert.deepEqual(ids(journal.about('api/x')), ['a', 'c'])
})

test('Journal ends a chain that leads through telemetry there, and one that leads in a circle', () => {
  const journal = new Journal()
  journal.told(signal('a', 'a reading that is not told'))
  journal.told(signal('x', 'y'))
  journal.told(signal('y', 'x'))
  assert.deepEqual(ids(journal.chain('a')), ['a'])
  assert.deepEqual(ids(journal.chain('x')), ['x', 'y'])
})

test('Journal says of a word who set it last, when, to what, and what led there', () => {
  const journal = story()
  const cause = signal('own timer', 'c')
  const agent = 'load-balancer'
  journal.wrote({ agent, directive: writeEndpoint('factor', ROW, 0.31), old: 1, wallMs: WALL_MS, cause })
  journal.wrote({ agent, directive: writeService('panicTold', 2, 1), wallMs: WALL_MS, cause: undefined })
  const write = {
    kind: 'write',
    agent,
    column: 'factor',
    row: 3,
    generation: 7,
    old: 1,
    value: 0.31,
    time: '2026-01-01T00:00:00.000Z',
    causationid: 'own timer',
  }
  assert.deepEqual(journal.lastWrite('factor', 3), write)
  assert.deepEqual(journal.effects('own timer'), [write])
  assert.equal(journal.lastWrite('panicTold', 2)!.service, 2)
  assert.equal(journal.lastWrite('factor', 4), undefined)
  const chain = [cause, signal('c', 'b', 'api/x'), signal('b', 'a'), signal('a', undefined, 'api/x')]
  const factor = { value: 0.31, old: 1, time: '2026-01-01T00:00:00.000Z', by: agent, chain }
  assert.deepEqual(journal.explain([ROW, { row: 4, generation: 1 }]), [
    { ...ROW, columns: { factor } },
    { row: 4, generation: 1, columns: {} },
  ])
})

test('Journal explains no tenant of a row by what was written for another', () => {
  const journal = new Journal()
  const directive = writeEndpoint('ejectedBar', ROW, 1)
  journal.wrote({ agent: 'failure-detector', directive, wallMs: WALL_MS, cause: undefined })
  assert.deepEqual(journal.explain([{ ...ROW, generation: 8 }])[0]!.columns, {})
  assert.ok(journal.explain([ROW])[0]!.columns.ejectedBar)
})

test('Journal passes over readings, and writes that change nothing', () => {
  const journal = new Journal()
  const write = (column: 'latencyUs' | 'forecastUs' | 'limit' | 'factor', value: number, old?: number): void => {
    journal.wrote({ agent: 'x', directive: writeEndpoint(column, ROW, value), old, wallMs: WALL_MS, cause: undefined })
  }
  write('latencyUs', 5)
  write('forecastUs', 5)
  write('limit', 5)
  write('factor', 1, 1)
  journal.wrote({ agent: 'x', directive: writeService('pullMax', 0, 0), wallMs: WALL_MS, cause: undefined })
  assert.equal(journal.length, 0)
  write('factor', 0.5, 1)
  assert.equal(journal.length, 1)
})

test('Journal forgets the oldest, with all that led to it; the last write of a word keeps its chain', () => {
  const journal = story(4)
  journal.wrote({
    agent: 'x',
    directive: writeEndpoint('health', ROW, 3),
    wallMs: WALL_MS,
    cause: signal('c', 'b', 'api/x'),
  })
  journal.told(signal('e'))
  assert.equal(journal.length, 5)
  // a made room for e.
  assert.deepEqual([ids(journal.chain('c')), journal.chain('a'), ids(journal.about('api/x'))], [['c', 'b'], [], ['c']])
  for (let i = 0; i < 10; i++) journal.told(signal(`later ${i}`))
  assert.deepEqual([journal.chain('c'), journal.effects('a'), journal.about('api/x')], [[], [], []])
  assert.deepEqual(ids(journal.explain([ROW])[0]!.columns.health!.chain), ['c', 'b', 'a'])
})

test('Journal forgets no fact for the words that are set, however many, and tells both in the order they came', () => {
  const journal = story(4)
  const cause = signal('a')
  const write = (value: number): void =>
    journal.wrote({ agent: 'x', directive: writeEndpoint('factor', ROW, value), wallMs: WALL_MS, cause })
  for (let i = 1; i <= 1_000; i++) write(1 / i)
  assert.equal(journal.length, 4 + 4)
  assert.deepEqual(ids(journal.after('a')), ['b', 'c', 'd'])
  assert.deepEqual(
    [ids(journal.chain('c')), ids(journal.about('api/x'))],
    [
      ['c', 'b', 'a'],
      ['a', 'c'],
    ],
  )
  journal.told(signal('e', 'a'))
  write(0.5)
  const said = journal.effects('a').map(entry => (entry.kind === 'signal' ? entry.signal.id : entry.value))
  assert.deepEqual(said, ['b', 'd', 1 / 998, 1 / 999, 1 / 1_000, 'e', 0.5])
  const kinds = journal.toJsonl().match(/"kind":"[a-z]+"/g)
  assert.deepEqual(
    kinds?.map(kind => kind[8]),
    [...'sss', ...'www', 's', 'w'],
  )
})

test('Journal resumes after a signal that it still knows', () => {
  const journal = story(3)
  assert.deepEqual(ids(journal.after('b')), ['c', 'd'])
  assert.deepEqual(journal.after('d'), [])
  assert.equal(journal.after('a'), undefined)
})

test('Journal notes a fact once', () => {
  const journal = story()
  journal.told(signal('a'))
  assert.equal(journal.length, 4)
})

test('Journal prints the same lines for the same story, whatever the order of keys', () => {
  const lines = story().toJsonl()
  const again = new Journal()
  for (const line of lines.trim().split('\n')) again.told(JSON.parse(line).signal)
  assert.equal(again.toJsonl(), lines)
  const one = new Journal()
  one.told({ ...signal('a'), data: { b: 1, a: [{ z: 1, y: 2 }] } })
  const other = new Journal()
  const { id, data: _, ...rest } = signal('a')
  other.told({ data: { a: [{ y: 2, z: 1 }], b: 1 }, ...rest, id })
  assert.equal(one.toJsonl(), other.toJsonl())
})

test('Journal with little room knows exactly what a list of its last entries knows', () => {
  const fact = fc.record({ cause: fc.option(fc.nat(30)), subject: fc.option(fc.constantFrom('x', 'y')) })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fact, { maxLength: 30 }), (room, facts) => {
      const journal = new Journal(room)
      const all = facts.map(({ cause, subject }, at) =>
        signal(`${at}`, cause === null ? undefined : `${cause}`, subject ?? undefined),
      )
      for (const each of all) journal.told(each)
      const last = all.slice(-room)
      for (const subject of ['x', 'y']) {
        assert.deepEqual(
          journal.about(subject),
          last.filter(each => each.subject === subject),
        )
      }
      for (let at = 0; at < 30; at++) {
        const effects = last.filter(each => each.causationid === `${at}`)
        assert.deepEqual(
          journal.effects(`${at}`).map(entry => entry.kind === 'signal' && entry.signal),
          effects,
        )
        assert.equal(
          journal.chain(`${at}`)[0],
          last.find(({ id }) => id === `${at}`),
        )
      }
    }),
  )
})
