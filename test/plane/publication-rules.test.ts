import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffMs, restMs } from '../../agents/kit/supervision/restart.ts'
import { createSignalbox } from '../../engine/box/box.ts'
import { SignalboxError } from '../../engine/errors.ts'
import { useAtomics } from '../../engine/memory/atomics.ts'
import { DRAINING, EJECTED, HELD, QUARANTINED, TRIPPED, UNHEALTHY } from '../../engine/memory/bars.ts'
import type { NewEndpoint } from '../../engine/memory/edit.ts'
import { HEALTH_UNHEALTHY } from '../../engine/memory/endpoint-table.ts'
import { CLOCK_MS_AT, WRITER_AT } from '../../engine/memory/layout.ts'
import { ROWS_PEAK_MS } from '../../engine/memory/service-table.ts'
import { isWhole, peekPublished, versionOf } from '../../engine/memory/slots.ts'
import { planeOf } from '../../engine/plane/plane.ts'
import { NO_ENDPOINT } from '../../engine/policies/policy.ts'
import { disableAgent, enableAgent } from '../../engine/router/agent-switch.ts'
import { eventually } from '../support/eventually.ts'
import { newEndpoint } from '../support/tiny-endpoint.ts'
import { many, planeWorld, realSeam } from './plane-world.ts'

const REFUSED = (because: string) => (error: unknown) =>
  error instanceof SignalboxError &&
  error.code === 'SBX_PUBLICATION_REFUSED' &&
  'because' in error &&
  error.because === because

// --- 1. Never publish an empty or more than 50 % smaller table unless an operator says so.

test('rule 1: an agent never empties a service; nothing has changed, and the operator still may', t => {
  const { world, plane, counted, ids } = planeWorld(t, many(2))
  const before = peekPublished(world.region)
  const empty = (edit: { rows(service: number): readonly number[]; remove(service: number, row: number): void }) => {
    for (const row of [...edit.rows(0)]) edit.remove(0, row)
  }
  assert.throws(() => plane.writer.edit(empty), REFUSED('emptied'))
  assert.throws(() => plane.writer.edit(edit => edit.removeService(0)), REFUSED('emptied'))
  assert.deepEqual([peekPublished(world.region), ids(), counted()], [before, ['e0', 'e1'], { emptied: 2 }])
  assert.ok(world.router.pick() >= 0)
  // What the rule keeps away: the same edit by the operator is published, and nothing is picked any more.
  world.writer.edit(empty)
  assert.equal(world.router.pick(), NO_ENDPOINT)
})

test('rule 1: an agent takes half of a service, and not one more', t => {
  const { world, plane, counted, ids } = planeWorld(t, many(5))
  const take = (count: number): void =>
    plane.writer.edit(edit => {
      for (const row of edit.rows(0).slice(0, count)) edit.remove(0, row)
    })
  // Of five, two may stay out: three are 60 %.
  assert.throws(() => take(3), REFUSED('shrunk'))
  take(2)
  assert.deepEqual([ids(), counted()], [['e2', 'e3', 'e4'], { shrunk: 1 }])
  assert.ok(world.router.pick() >= 0)
})

test('rule 1: halving again and again is seen as what it is, until ten minutes have passed or the operator edits', t => {
  const { world, plane, ids } = planeWorld(t, many(8))
  const halve = (): void =>
    plane.writer.edit(edit => {
      const rows = edit.rows(0)
      for (const row of rows.slice(0, rows.length / 2)) edit.remove(0, row)
    })
  halve()
  assert.equal(ids().length, 4)
  assert.throws(halve, REFUSED('shrunk'))
  world.region.words[CLOCK_MS_AT] += ROWS_PEAK_MS
  assert.throws(halve, REFUSED('shrunk'), 'at the very end of the ten minutes')
  world.region.words[CLOCK_MS_AT] += 1
  halve()
  assert.equal(ids().length, 2)
  assert.throws(halve, REFUSED('shrunk'))
  world.remove(ids()[0]!)
  world.add('new')
  halve()
  assert.deepEqual(ids(), ['new'], 'the operator said how many there are meant to be')
})

test('rule 1: an agent may replace endpoints, and one that takes out all that are picked is refused', t => {
  const { world, plane, ids } = planeWorld(t, many(4))
  plane.writer.edit(edit => {
    for (const row of edit.rows(0)) edit.remove(0, row)
    for (const id of ['a', 'b', 'c', 'd']) edit.add(0, newEndpoint(id))
  })
  assert.deepEqual(ids(), ['a', 'b', 'c', 'd'])
  world.bar('a', DRAINING)
  world.bar('b', DRAINING)
  const takePicked = (): void =>
    plane.writer.edit(edit =>
      edit
        .rows(0)
        .slice(2)
        .forEach(row => void edit.remove(0, row)),
    )
  assert.throws(takePicked, REFUSED('last-routable'))
  assert.equal(ids().length, 4)
})

// --- 2. Publish only with a growing (term, revision); cleanup may not delete what is published.

test('rule 2: a decision is followed once, and none after a later one', t => {
  const { world, plane, counted, ids } = planeWorld(t, many(2))
  const follow = (term: number, revision: number, id: string): void =>
    plane.writer.edit(edit => void edit.add(0, newEndpoint(id)), { term, revision })
  follow(3, 7, 'a')
  for (const [term, revision] of [
    [3, 7],
    [3, 6],
    [2, 100],
  ] as const) {
    assert.throws(() => follow(term, revision, 'late'), REFUSED('stale'))
  }
  follow(3, 8, 'b')
  follow(4, 0, 'c')
  world.add('by the operator')
  assert.throws(() => follow(4, 0, 'late'), REFUSED('stale'), 'edits of others leave the decision in force')
  assert.deepEqual(ids(), ['e0', 'e1', 'a', 'b', 'c', 'by the operator'])
  assert.deepEqual(counted(), { stale: 4 })
  // What the rule keeps away: without a decision to compare, the late one is published after the one that overtook it.
  plane.writer.edit(edit => void edit.add(0, newEndpoint('late')))
  assert.equal(ids().at(-1), 'late')
})

test('rule 2: each publication is one version further, refused ones are none', t => {
  const { world, plane } = planeWorld(t, many(2))
  const version = (): number => versionOf(peekPublished(world.region))
  const before = version()
  plane.writer.edit(edit => void edit.add(0, newEndpoint('a')))
  assert.equal(version(), before + 1)
  assert.throws(() => plane.writer.edit(edit => void edit.add(0, newEndpoint('b')), { term: 0, revision: 1 }))
  assert.equal(version(), before + 1)
})

test('rule 2: what is published is not cleaned up: a row that is listed, or was a moment ago, has no other tenant', t => {
  const { world, plane, ids } = planeWorld(t, many(4), { capacity: { rows: 6 } })
  const [first] = world.rows()
  // A pin that does not move: its thread may still pick the row that is removed now.
  const sleeper = world.another()
  plane.writer.edit(edit => edit.remove(0, first!))
  const added = plane.writer.edit(edit => [edit.add(0, newEndpoint('a')), edit.add(0, newEndpoint('b'))])
  assert.ok(!added.includes(first!) && new Set([...world.rows()]).size === ids().length)
  assert.throws(
    () => plane.writer.edit(edit => edit.add(0, newEndpoint('c'))),
    (error: SignalboxError) => error.code === 'SBX_REGION_FULL',
    'rather than take the row from who may still see it',
  )
  assert.ok(isWhole(world.region, sleeper.slot))
  world.catchUp()
  assert.equal(
    plane.writer.edit(edit => edit.add(0, newEndpoint('c'))),
    first,
  )
})

test('rule 2: an edit that is refused leaves rows it would have removed as they were', t => {
  const { world, plane } = planeWorld(t, many(2))
  const rows = world.rows()
  assert.throws(() => plane.writer.edit(edit => rows.forEach(row => void edit.remove(0, row))))
  assert.deepEqual(
    rows.map(row => world.endpoints.retiredAt(row)),
    [0, 0],
  )
})

// --- 3. and 4. Every field is checked before the swap, refused whole; unknown and missing fields are errors.

test('rules 3 and 4: a field that is wrong, missing or unknown has the whole edit refused, also for who goes on regardless', t => {
  const { world, plane, counted, ids } = planeWorld(t, many(2))
  const published = peekPublished(world.region)
  const { zone: _, ...withoutZone } = newEndpoint('good')
  const wrong = [{ ...newEndpoint('good'), weight: Number.NaN }, withoutZone, { ...newEndpoint('good'), wieght: 2 }]
  for (const endpoint of wrong) {
    const add = (): void =>
      plane.writer.edit(edit => {
        edit.add(0, newEndpoint('fine'))
        try {
          edit.add(0, endpoint as NewEndpoint)
        } catch {
          // It goes on as if nothing were wrong.
        }
      })
    assert.throws(add, REFUSED('invalid'))
  }
  assert.deepEqual([peekPublished(world.region), ids(), counted()], [published, ['e0', 'e1'], { invalid: 3 }])
  // What the rule keeps away: laid down as it is, a weight that is no number is a row that nobody picks.
  world.add('bad', { weight: Number.NaN })
  assert.equal(world.endpoints.pull(world.row('bad')), 0)
})

test('rule 3: more than there is room for is refused whole, and counted', t => {
  const { plane, counted, ids } = planeWorld(t, many(2), { capacity: { rows: 4 } })
  const addThree = (): void =>
    plane.writer.edit(edit => ['a', 'b', 'c'].forEach(id => void edit.add(0, newEndpoint(id))))
  assert.throws(addThree, (error: SignalboxError) => error.code === 'SBX_REGION_FULL')
  const zone = 'z'.repeat(64)
  const tooLong = { ...newEndpoint('long'), zone, metadata: { note: 'x'.repeat(200) } }
  assert.throws(
    () => plane.writer.edit(edit => void edit.add(0, tooLong)),
    (error: SignalboxError) => error.code === 'SBX_ENDPOINT_INVALID',
  )
  const failing = (): void =>
    plane.writer.edit(edit => {
      edit.add(0, newEndpoint('a'))
      throw new TypeError('a mistake of the agent')
    })
  assert.throws(failing, TypeError)
  assert.deepEqual([ids(), counted()], [['e0', 'e1'], { full: 1, invalid: 1, broken: 1 }])
})

test('rule 3: two endpoints of one id, an endpoint of no service and an edit that waits are refused', async t => {
  const { plane, counted, ids } = planeWorld(t, many(2))
  assert.throws(() => plane.writer.edit(edit => edit.add(0, newEndpoint('e1'))), REFUSED('invalid'))
  const twice = (): void => plane.writer.edit(edit => ['x', 'x'].forEach(id => void edit.add(0, newEndpoint(id))))
  assert.throws(twice, REFUSED('invalid'))
  for (const service of [1, -1, 0.5]) {
    assert.throws(() => plane.writer.edit(edit => edit.add(service, newEndpoint('x'))), REFUSED('invalid'))
  }
  plane.writer.edit(edit => {
    edit.remove(0, edit.rows(0)[1]!)
    edit.add(0, newEndpoint('e1'))
  })
  let late: Promise<void> | undefined
  const waiting = (): Promise<void> =>
    plane.writer.edit(edit => {
      late = (async () => {
        await null
        edit.add(0, newEndpoint('late'))
      })()
      return late
    })
  assert.throws(waiting, REFUSED('broken'))
  await assert.rejects(late!, REFUSED('broken'))
  assert.deepEqual([ids(), counted()], [['e0', 'e1'], { invalid: 5, broken: 2 }])
})

test('rule 3: a word that is set to no value keeps its last good one', t => {
  const { world, plane, counted } = planeWorld(t, many(2))
  const row = world.row('e0')
  plane.endpoints.setFactor(row, 0.5)
  const wrong = [Number.NaN, -0.5, 0, 1.5, Number.POSITIVE_INFINITY]
  for (const factor of wrong) assert.throws(() => plane.endpoints.setFactor(row, factor), REFUSED('invalid'))
  for (const weight of [Number.NaN, -1, 0]) {
    assert.throws(() => plane.endpoints.setWeight(row, weight), REFUSED('invalid'))
  }
  assert.throws(() => plane.endpoints.setForecast(row, Number.NaN, 0), REFUSED('invalid'))
  assert.throws(() => plane.services.setTrust(0, 2), REFUSED('invalid'))
  assert.throws(() => plane.services.setShedFrom(0, 1.5), REFUSED('invalid'))
  assert.throws(() => plane.endpoints.setHealth(row, 4), REFUSED('invalid'))
  assert.deepEqual([world.endpoints.factor(row), world.endpoints.weight(row)], [0.5, 1])
  assert.deepEqual(counted(), { invalid: wrong.length + 7 })
  // What the rule keeps away: the bare word takes NaN for 0, and the endpoint is picked no more.
  world.endpoints.setFactor(row, Number.NaN)
  assert.equal(world.endpoints.pull(row), 0)
})

test('rule 3: a refusal is a metric, a line of the log, and no concern of who picks', async t => {
  const lines: { level: string; reason: unknown }[] = []
  const endpoints = [{ id: 'a', url: 'http://127.0.0.1:9001' }]
  const box = await createSignalbox(
    { services: { api: { endpoints } } },
    { log: (level, _, fields) => void lines.push({ level, reason: fields?.reason }) },
  )
  t.after(() => box.close())
  const plane = planeOf(box.attachment)
  for (let i = 0; i < 3; i++) assert.throws(() => plane.writer.edit(edit => edit.removeService(0)), REFUSED('emptied'))
  assert.equal(box.refusals().emptied, 3)
  await eventually('the log tells of it', () =>
    lines.some(({ level, reason }) => level === 'error' && reason === 'emptied'),
  )
  const router = box.router('api')
  router.settle(router.pick(), 'ok', 1)
  await new Promise(resolve => setTimeout(resolve, 50))
  assert.equal(lines.filter(({ reason }) => reason === 'emptied').length, 1, 'once in ten seconds, with how often')
})

// --- 6. At most half of a service's endpoints are taken out by agents, the last routable one never; panic mode above.

test('rule 6: agents take out half of the endpoints by whatever bars, and not one more', t => {
  const { world, plane, counted } = planeWorld(t, many(5))
  const out = (id: string, bar: number): boolean => plane.endpoints.setBar(world.row(id), bar, true)
  assert.deepEqual([out('e0', EJECTED), out('e1', HELD)], [true, true])
  // A third of five would be 60 %.
  assert.deepEqual([out('e2', EJECTED), out('e3', HELD), counted()], [false, false, { 'too-many-out': 2 }])
  assert.equal(out('e0', HELD), true, 'one that is out already takes out nobody')
  assert.equal(plane.endpoints.setBar(world.row('e1'), HELD, false), true)
  assert.equal(out('e2', EJECTED), true, 'now that another is back')
  // What the rule keeps away: without it all are out.
  for (const row of world.rows()) world.endpoints.setBar(row, HELD, true)
  assert.equal(world.router.pick(), NO_ENDPOINT)
})

test('rule 6: the last endpoint that is picked stays, whoever took the others out', t => {
  const { world, plane, counted } = planeWorld(t, many(4))
  assert.equal(plane.endpoints.setBar(world.row('e0'), HELD, true), true)
  world.bar('e1', DRAINING)
  world.setWeight('e2', 0)
  assert.equal(plane.endpoints.setBar(world.row('e3'), EJECTED, true), false)
  assert.deepEqual([world.pickId(), counted()], ['e3', { 'last-routable': 1 }])
  const single = planeWorld(t, many(1))
  assert.equal(single.plane.endpoints.setBar(single.world.row('e0'), EJECTED, true), false)
})

test('rule 6: checks that fail everywhere bar everybody, and panic mode picks them all the same', t => {
  const { world, plane } = planeWorld(t, many(3))
  for (const row of world.rows()) {
    plane.endpoints.setHealth(row, HEALTH_UNHEALTHY)
    assert.equal(plane.endpoints.setBar(row, UNHEALTHY, true), true)
  }
  assert.ok(world.router.pick() >= 0)
  // On top of that one may be held for good, half of three: two are left to the panic.
  assert.equal(plane.endpoints.setBar(world.row('e0'), HELD, true), true)
  assert.equal(plane.endpoints.setBar(world.row('e1'), HELD, true), false)
  assert.ok(world.router.pick() >= 0)
})

test('rule 6: two agents that bar at one moment do not take out more than either may', t => {
  const { world, plane } = planeWorld(t, many(2))
  const other = planeOf(world.another())
  const [a, b] = world.rows()
  // The other comes when the first has looked and has not written yet: at its first step on the bars.
  let answer: boolean | undefined
  let isOther = false
  const before = useAtomics({
    ...realSeam(),
    or(words, index, value) {
      if (!isOther) {
        isOther = true
        answer = other.endpoints.setBar(b!, EJECTED, true)
      }
      return Atomics.or(words, index, value)
    },
    wait: () => 'timed-out',
  })
  t.after(() => useAtomics(before))
  assert.equal(plane.endpoints.setBar(a!, EJECTED, true), true)
  assert.equal(answer, false)
  assert.equal(world.endpoints.bars(b!) & EJECTED, 0)
})

test('rule 6: an agent that meets a writer who does not finish is answered false, and goes on', t => {
  const { world, plane, counted } = planeWorld(t, many(4))
  world.region.words[WRITER_AT] = 6
  assert.equal(plane.endpoints.setBar(world.row('e0'), EJECTED, true), false)
  world.region.words[WRITER_AT] = 0
  assert.deepEqual(counted(), { busy: 1 })
  assert.equal(plane.endpoints.setBar(world.row('e0'), EJECTED, true), true)
})

test('rule 6: bars may be set within an edit of the same thread', t => {
  const { world, plane } = planeWorld(t, many(4))
  const [e0, e1, e2] = world.rows()
  const answers = plane.writer.edit(() => [e0, e1, e2].map(row => plane.endpoints.setBar(row!, EJECTED, true)))
  assert.deepEqual(answers, [true, true, false])
})

// --- 7. Every restart waits for a time that is not the same for all.

test('rule 7: agents that fell at one moment come back at different ones, the first time, later, and after a rest', () => {
  const different = (wait: (die: number) => number): number =>
    new Set(Array.from({ length: 20 }, (_, i) => wait((i + 0.5) / 20))).size
  for (const inRow of [0, 1, 5, 20]) {
    const waits = [different(die => backoffMs(inRow, die)), different(die => restMs(inRow, die))]
    assert.deepEqual(waits, [20, 20], `${inRow} in a row`)
  }
})

// --- 8. A kill switch per agent: routing as if it had said nothing. More of it in kill-switch.test.ts.

test('rule 8: an agent that is switched off is not heard by the next pick, and is again by the one after it is switched on', t => {
  const { world, plane } = planeWorld(t, many(2), { policy: 'round-robin' })
  assert.equal(plane.endpoints.setBar(world.row('e0'), EJECTED, true), true)
  const picked = (): string[] => [...new Set([world.pickId()!, world.pickId()!])].sort()
  assert.deepEqual(picked(), ['e1'])
  disableAgent(plane, 'failure-detector')
  assert.deepEqual(picked(), ['e0', 'e1'])
  enableAgent(plane, 'failure-detector')
  assert.deepEqual(picked(), ['e1'])
})

// --- 9. Only local evidence bars.

test('rule 9: a bar is set by the owner of its column, in this process: the operator’s and the breaker’s are no agent’s', t => {
  const { world, plane, counted } = planeWorld(t, many(4))
  for (const bar of [DRAINING, QUARANTINED, TRIPPED, EJECTED | DRAINING, 1 << 12, 0]) {
    for (const on of [true, false]) {
      assert.throws(() => plane.endpoints.setBar(world.row('e0'), bar, on), REFUSED('not-owned'))
    }
  }
  assert.throws(() => plane.endpoints.settleIn(0, 0, newEndpoint('x'), 1, 0, 0), REFUSED('not-owned'))
  assert.throws(() => plane.endpoints.setRetiredAt(0, 1), REFUSED('not-owned'))
  assert.throws(() => plane.services.begin(0), REFUSED('not-owned'))
  assert.throws(() => plane.services.setRowsPeak(0, 1, 0), REFUSED('not-owned'))
  assert.deepEqual([world.endpoints.bars(world.row('e0')), counted()], [0, { 'not-owned': 16 }])
})
