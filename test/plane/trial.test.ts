import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { TableKeeper } from '../../engine/box/table-keeper.ts'
import { TrialKeeper } from '../../engine/box/trial-keeper.ts'
import { SignalboxError } from '../../engine/errors.ts'
import { useAtomics } from '../../engine/memory/atomics.ts'
import { DRAINING, EJECTED, TRIAL_BARS } from '../../engine/memory/bars.ts'
import { CLOCK_MS_AT, TRIAL_AT } from '../../engine/memory/layout.ts'
import { CANARY_LOST } from '../../engine/memory/seats.ts'
import { NO_TRIAL, TRIAL_MS, TRIAL_MS_MAX, trialState } from '../../engine/memory/trial.ts'
import type { Attachment } from '../../engine/router/attachment.ts'
import { reportService } from '../../engine/router/report.ts'
import type { Router } from '../../engine/router/router.ts'
import { newEndpoint } from '../support/tiny-endpoint.ts'
import type { TinyOptions } from '../support/tiny-world.ts'
import { many, planeWorld, realSeam } from './plane-world.ts'

/** Ids that a router's next picks lead to, each settled at once, in order. */
function picked(router: Router): string[] {
  const ids = new Set<string>()
  for (let i = 0; i < 24; i++) {
    const ticket = router.pick()
    assert.ok(ticket >= 0, 'somebody is picked at every moment')
    ids.add(router.endpoint(ticket).id)
    router.settle(ticket, 'ok', 1)
  }
  return [...ids].sort()
}

/** Two threads that pick, the second of them more, so that it is the canary; and a keeper of trials. */
function trialWorld(t: TestContext, endpoints: number, options: TinyOptions = {}) {
  const base = planeWorld(t, many(endpoints), { policy: 'round-robin', ...options })
  const { world } = base
  const lines: string[] = []
  const log = (level: string, message: string) => void lines.push(`${level}: ${message}`)
  const tables = new TableKeeper(world.attachment, log)
  const keeper = new TrialKeeper(world.attachment, tables, log)
  const canarySeat: Attachment = world.another()
  const canary = world.routerOf(canarySeat)
  picked(world.router)
  picked(canary)
  picked(canary)
  return {
    ...base,
    lines,
    keeper,
    canary,
    canarySeat,
    /** The clock goes on, and the keeper looks. */
    pass(ms: number) {
      world.region.words[CLOCK_MS_AT] += ms
      keeper.look()
    },
    barsLeft: () => world.rows().reduce((bars, row) => bars | (world.endpoints.bars(row) & TRIAL_BARS), 0),
  }
}

test('rule 5: what an agent changes is picked by one thread for five seconds, then by all', t => {
  const { world, plane, canary, pass, barsLeft, ids, counted } = trialWorld(t, 3)
  plane.writer.edit(edit => {
    edit.remove(0, world.row('e0'))
    edit.add(0, newEndpoint('new'))
  })
  for (const ms of [0, TRIAL_MS - 1]) {
    pass(ms)
    assert.deepEqual(picked(canary), ['e1', 'e2', 'new'])
    assert.deepEqual(picked(world.router), ['e0', 'e1', 'e2'])
  }
  pass(1)
  assert.deepEqual(
    [picked(canary), picked(world.router)],
    [
      ['e1', 'e2', 'new'],
      ['e1', 'e2', 'new'],
    ],
  )
  assert.deepEqual([ids(), barsLeft(), trialState(world.region), counted()], [['e1', 'e2', 'new'], 0, NO_TRIAL, {}])
})

test('rule 5: without the trial all threads would go by it at once', t => {
  const { world, canary } = trialWorld(t, 3)
  world.writer.edit(edit => {
    edit.remove(0, world.row('e0'))
    edit.add(0, newEndpoint('new'))
  })
  assert.deepEqual(
    [picked(canary), picked(world.router)],
    [
      ['e1', 'e2', 'new'],
      ['e1', 'e2', 'new'],
    ],
  )
})

test('rule 5: the canary that ends takes the change with it, also when its seat is taken by another at once', t => {
  const { world, plane, canarySeat, lines, pass, barsLeft, ids, counted } = trialWorld(t, 4)
  plane.writer.edit(edit => {
    for (const id of ['e0', 'e1']) edit.remove(0, world.row(id))
    for (const id of ['x', 'y']) edit.add(0, newEndpoint(id))
  })
  canarySeat.close()
  const heir = world.routerOf(world.another())
  assert.deepEqual(picked(heir), ['e0', 'e1', 'e2', 'e3'], 'the heir of the seat is no canary')
  pass(0)
  assert.deepEqual([ids(), barsLeft(), trialState(world.region)], [['e0', 'e1', 'e2', 'e3'], 0, NO_TRIAL])
  assert.deepEqual([picked(world.router), counted()], [['e0', 'e1', 'e2', 'e3'], { 'failed-trial': 1 }])
  assert.deepEqual(lines, ['error: what an agent changed is taken back: one thread tried it'])
})

test('rule 5: a canary that leaves just as it is chosen is known to be lost', t => {
  const { world, plane, canarySeat, pass, ids } = trialWorld(t, 3)
  // The last moment: it is named by the next step, and its seat was asked for before.
  const before = useAtomics({
    ...realSeam(),
    or: (words, index, value) => Atomics.or(words, index, value),
    wait: () => 'timed-out',
    compareExchange(words, index, expected, replacement) {
      if (index === TRIAL_AT && expected === NO_TRIAL && replacement > 0) canarySeat.close()
      return Atomics.compareExchange(words, index, expected, replacement)
    },
  })
  t.after(() => useAtomics(before))
  plane.writer.edit(edit => edit.add(0, newEndpoint('new')))
  assert.equal(trialState(world.region), CANARY_LOST)
  pass(0)
  assert.deepEqual(
    [ids(), picked(world.router)],
    [
      ['e0', 'e1', 'e2'],
      ['e0', 'e1', 'e2'],
    ],
  )
})

test('rule 5: newcomers of which more than half fail are taken back', t => {
  const { world, plane, canary, pass, ids } = trialWorld(t, 3)
  plane.writer.edit(edit => {
    edit.remove(0, world.row('e0'))
    for (const id of ['x', 'y', 'z']) edit.add(0, newEndpoint(id))
  })
  assert.deepEqual(picked(canary), ['e1', 'e2', 'x', 'y', 'z'])
  for (const id of ['x', 'y']) world.bar(id, EJECTED)
  pass(TRIAL_MS)
  assert.deepEqual([ids(), picked(canary), picked(world.router)], Array(3).fill(['e0', 'e1', 'e2']))
})

test('rule 5: a trial that would leave nobody, after what the operator did meanwhile, is taken back', t => {
  const { world, plane, pass, ids } = trialWorld(t, 2)
  plane.writer.edit(edit => edit.remove(0, world.row('e0')))
  world.remove('e1')
  assert.deepEqual(picked(world.router), ['e0'])
  pass(TRIAL_MS)
  assert.deepEqual([ids(), picked(world.router)], [['e0'], ['e0']])
})

test('rule 5: newcomers on trial are no panic for the others, however many they are', t => {
  const { world, plane, canary } = trialWorld(t, 2)
  plane.writer.edit(edit => ['a', 'b', 'c', 'd', 'f', 'g'].forEach(id => void edit.add(0, newEndpoint(id))))
  assert.deepEqual(picked(world.router), ['e0', 'e1'])
  const { hasPanic, priorities, endpoints } = reportService(world.attachment, 'api')
  assert.deepEqual([hasPanic, priorities[0]!.endpoints], [false, 2])
  assert.equal(endpoints.find(({ id }) => id === 'a')!.why, 'not picked: it has just come, and one thread tries it')
  assert.equal(picked(canary).length, 8)
})

test('rule 5: an edit meanwhile joins the trial, and after fifteen seconds has to wait for its end', t => {
  const { world, plane, pass, ids, counted } = trialWorld(t, 2)
  const add = (id: string): void => void plane.writer.edit(edit => edit.add(0, newEndpoint(id)))
  for (const id of ['a', 'b', 'c', 'd']) {
    add(id)
    pass(TRIAL_MS - 1)
    assert.notEqual(trialState(world.region), NO_TRIAL)
  }
  assert.ok(4 * (TRIAL_MS - 1) > TRIAL_MS_MAX)
  const isRefused = (error: unknown): boolean => error instanceof SignalboxError && /ask again/.test(error.message)
  assert.throws(() => add('late'), isRefused)
  pass(1)
  assert.deepEqual([picked(world.router), counted()], [['a', 'b', 'c', 'd', 'e0', 'e1'], { 'on-trial': 1 }])
  add('late')
  pass(TRIAL_MS)
  assert.equal(ids().at(-1), 'late')
})

test('rule 5: on trial too an agent takes no more than half, what is to leave included, and not the last that is picked', t => {
  const { world, plane, pass, ids } = trialWorld(t, 4)
  const take = (id: string): void => plane.writer.edit(edit => edit.remove(0, world.row(id)))
  take('e0')
  take('e1')
  assert.throws(() => take('e2'), /loses half of them at most/)
  pass(TRIAL_MS)
  assert.deepEqual(ids(), ['e2', 'e3'])
  assert.throws(() => take('e2'), /loses half of them at most/, 'the end of the trial is no word of the operator')
  const other = trialWorld(t, 2)
  other.world.bar('e1', DRAINING)
  assert.throws(
    () => other.plane.writer.edit(edit => edit.remove(0, other.world.row('e0'))),
    /none of them can be picked/,
  )
})

test('rule 5: who is to leave and comes back as it was stays; as another it waits', t => {
  const { world, plane, canary, pass, ids } = trialWorld(t, 3)
  const row = world.row('e0')
  plane.writer.edit(edit => edit.remove(0, row))
  assert.deepEqual(picked(canary), ['e1', 'e2'])
  const moved = { ...newEndpoint('e0'), url: 'http://elsewhere.test' }
  assert.throws(() => plane.writer.edit(edit => edit.add(0, moved)), /ask again/)
  assert.equal(
    plane.writer.edit(edit => edit.add(0, newEndpoint('e0'))),
    row,
  )
  assert.deepEqual(picked(canary), ['e0', 'e1', 'e2'])
  pass(TRIAL_MS)
  assert.deepEqual(ids(), ['e0', 'e1', 'e2'])
})

test('rule 5: one on trial that is taken out again is out at once', t => {
  const { world, plane, canary, ids } = trialWorld(t, 2)
  const row = plane.writer.edit(edit => edit.add(0, newEndpoint('x')))
  assert.deepEqual(picked(canary), ['e0', 'e1', 'x'])
  plane.writer.edit(edit => edit.remove(0, row))
  assert.deepEqual([ids(), picked(canary), picked(world.router)], Array(3).fill(['e0', 'e1']))
})

test('rule 5: where one thread alone picks there is no rest to spare, and a change is in force at once', t => {
  const { world, plane, ids } = planeWorld(t, many(2), { policy: 'round-robin' })
  picked(world.router)
  plane.writer.edit(edit => edit.add(0, newEndpoint('x')))
  assert.deepEqual(
    [ids(), picked(world.router), trialState(world.region)],
    [['e0', 'e1', 'x'], ['e0', 'e1', 'x'], NO_TRIAL],
  )
})

test('rule 5: a writer that holds the tables at the end of a trial delays it to the next look', t => {
  const { world, plane, pass, keeper, lines, ids, barsLeft } = trialWorld(t, 2)
  plane.writer.edit(edit => edit.add(0, newEndpoint('x')))
  world.writer.alone(() => pass(TRIAL_MS))
  assert.match(lines[0]!, /^warn: a trial was not ended on this tick/)
  assert.deepEqual(picked(world.router), ['e0', 'e1', 'x'], 'all go by it already')
  keeper.look()
  assert.deepEqual([ids(), barsLeft(), trialState(world.region)], [['e0', 'e1', 'x'], 0, NO_TRIAL])
})

test('rule 5: what a service is, is the operator’s to change', t => {
  const { plane, world, counted } = trialWorld(t, 2)
  const { text } = world.attachment.serviceTexts()[0]!
  assert.equal(
    plane.writer.edit(edit => edit.putService(text)),
    0,
  )
  const other = { ...text, policy: { name: 'random' } }
  assert.throws(() => plane.writer.edit(edit => edit.putService(other)), /for the operator to change/)
  assert.deepEqual(counted(), { 'not-owned': 1 })
})
