import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { type AtomicsSeam, realAtomics, useAtomics } from '../../engine/memory/atomics.ts'
import { DRAINING, EJECTED, UNHEALTHY } from '../../engine/memory/bars.ts'
import { HEALTH_DEGRADED, HEALTH_HEALTHY } from '../../engine/memory/endpoint-table.ts'
import { CLOCK_MS_AT, REVISION, SERVICE_WORDS } from '../../engine/memory/layout.ts'
import { freeSeatOf } from '../../engine/memory/seats.ts'
import { Tried } from '../../engine/memory/tried.ts'
import { PICK } from '../../engine/router/router.ts'
import type { TinyEndpoint } from '../support/tiny-endpoint.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

/** Share of picks by the first letters of the ids: 'p1' of 'p1-0'. */
function shares(world: TinyWorld, picks = 10_000): Record<string, number> {
  const seen: Record<string, number> = {}
  for (let i = 0; i < picks; i++) {
    const ticket = world.router.pick(i)
    const group = ticket < 0 ? 'none' : world.router.endpoint(ticket).id.split('-')[0]
    seen[group] = (seen[group] ?? 0) + 1
    if (ticket >= 0) world.router.settle(ticket, 'ok', 100)
  }
  return Object.fromEntries(Object.entries(seen).map(([group, count]) => [group, count / picks]))
}

/** Five standard deviations of 10,000 picks. */
function isNear(actual: number | undefined, share: number): void {
  const off = Math.abs((actual ?? 0) - share)
  assert.ok(off <= 5 * Math.sqrt((share * (1 - share)) / 10_000), `${actual} instead of ${share}`)
}

function priorities(counts: number[], endpoint: TinyEndpoint = {}): Record<string, TinyEndpoint> {
  return Object.fromEntries(
    counts.flatMap((count, priority) =>
      Array.from({ length: count }, (_, i) => [`p${priority}-${i}`, { ...endpoint, priority }]),
    ),
  )
}

/** The operations of `Atomics`, one of them replaced for the REVISION of the world's service. */
function atRevision(world: TinyWorld, operation: 'load' | 'add', act: () => void): void {
  const { layout } = world.region
  const at = layout.servicesAt + world.service * SERVICE_WORDS + REVISION
  const { load, store, add, sub, and, or, exchange, compareExchange, notify, wait } = realAtomics
  const seam: AtomicsSeam = { load, store, add, sub, and, or, exchange, compareExchange, notify, wait }
  const real = realAtomics[operation] as (words: Int32Array, index: number, ...values: number[]) => number
  seam[operation] = (words: Int32Array, index: number, ...values: number[]): number => {
    if (index === at) {
      useAtomics(realAtomics)
      act()
    }
    return real(words, index, ...values)
  }
  useAtomics(seam)
}

describe('facts', () => {
  afterEach(() => useAtomics(realAtomics))

  /** Three of four unhealthy: below half, so that health is ignored. */
  function panicking(): TinyWorld {
    const world = tinyWorld(priorities([4]))
    for (const id of ['p0-0', 'p0-1', 'p0-2']) world.bar(id, UNHEALTHY)
    return world
  }

  function idsOf(world: TinyWorld): string[] {
    return [...new Set(Array.from({ length: 200 }, () => world.pickId() as string))].sort()
  }

  test('are read after their revision, by an atomic load: what has that revision has been seen', () => {
    const world = panicking()
    assert.equal(idsOf(world).length, 4)
    world.bar('p0-3', UNHEALTHY)
    // While the revision is being read another thread changes two facts back, and tells.
    let isMet = false
    atRevision(world, 'load', () => {
      isMet = true
      for (const id of ['p0-0', 'p0-3']) world.bar(id, UNHEALTHY, false)
    })
    world.router.pick()
    assert.ok(isMet)
    assert.deepEqual(idsOf(world), ['p0-0', 'p0-3'])
    world.close()
  })

  test('changed by a thread that died before it told are looked at when its seat is given back', () => {
    const world = panicking()
    assert.equal(idsOf(world).length, 4)
    const dying = world.another()
    atRevision(world, 'add', () => {
      throw new Error('dies')
    })
    assert.throws(() => dying.endpoints.setBar(world.row('p0-0'), UNHEALTHY, false), /dies/)
    freeSeatOf(world.region, dying.seat, 0)
    assert.deepEqual(idsOf(world), ['p0-0', 'p0-3'])
    world.close()
  })
})

describe('priorities', () => {
  test('all goes to priority 0 while a fifth of it is missing at most', () => {
    const world = tinyWorld(priorities([5, 5]))
    world.bar('p0-0', UNHEALTHY)
    assert.deepEqual(shares(world), { p0: 1 })
    world.close()
  })

  test('half of priority 0 missing sends 30 % on, from the very next pick', () => {
    const world = tinyWorld(priorities([4, 4]))
    assert.deepEqual(shares(world, 100), { p0: 1 })
    world.bar('p0-0', UNHEALTHY)
    world.bar('p0-1', EJECTED)
    const { p0, p1 } = shares(world)
    isNear(p0, 0.7)
    isNear(p1, 0.3)
    world.bar('p0-1', EJECTED, false)
    assert.deepEqual(shares(world, 100), { p0: 1 }, '75 % × 1.4 is enough')
    world.close()
  })

  test('a drained priority hands over, and panic does not bring it back', () => {
    const world = tinyWorld(priorities([2, 2]))
    for (const id of ['p0-0', 'p0-1']) world.bar(id, DRAINING)
    assert.deepEqual(shares(world, 500), { p1: 1 })
    for (const id of ['p1-0', 'p1-1']) world.bar(id, UNHEALTHY)
    assert.deepEqual(shares(world, 500), { p1: 1 }, 'panic uses those that nobody decided to keep out')
    world.close()
  })

  test('every policy sees the priority it is aimed at alone', () => {
    for (const policy of ['round-robin', 'weighted-round-robin', 'random', 'rendezvous', 'peak-ewma', 'prequal']) {
      const world = tinyWorld(priorities([3, 20]), { policy })
      assert.deepEqual(shares(world, 300), { p0: 1 }, policy)
      world.close()
    }
  })

  test('a retry that has tried all of its priority goes on to the next one', () => {
    const world = tinyWorld(priorities([2, 1]))
    const tried = new Tried()
    for (const id of ['p0-0', 'p0-1']) tried.add(world.row(id))
    assert.equal(world.router.endpoint(world.router.pick(0, tried)).id, 'p1-0')
    tried.add(world.row('p1-0'))
    assert.equal(world.router.pick(0, tried), PICK.NO_ENDPOINT)
    world.close()
  })

  test('numbers of priorities need not follow one another', () => {
    const world = tinyWorld({ 'p3-0': { priority: 3 }, 'p100-0': { priority: 100 } })
    assert.deepEqual(shares(world, 100), { p3: 1 })
    world.bar('p3-0', UNHEALTHY)
    assert.deepEqual(shares(world, 100), { p100: 1 })
    world.close()
  })

  test('an endpoint that joins or leaves moves the loads', () => {
    const world = tinyWorld(priorities([1, 2]))
    world.bar('p0-0', UNHEALTHY)
    assert.deepEqual(shares(world, 100), { p1: 1 })
    world.add('p0-1', { priority: 0 })
    const { p0 } = shares(world)
    isNear(p0, 0.7)
    world.remove('p0-0')
    assert.deepEqual(shares(world, 100), { p0: 1 })
    world.close()
  })

  test('a key stays in its priority while the loads stand', () => {
    const world = tinyWorld(priorities([4, 4]), { policy: 'rendezvous' })
    for (const id of ['p0-0', 'p0-1']) world.bar(id, UNHEALTHY)
    for (let key = 0; key < 200; key++) {
      const [first, second] = [world.pickId(key), world.pickId(key)]
      assert.equal(first, second, `key ${key}`)
    }
    world.close()
  })
})

describe('degraded endpoints', () => {
  test('get nothing while the healthy ones suffice, and the rest when they do not', () => {
    const world = tinyWorld({ 'good-0': {}, 'good-1': {}, 'bad-0': {}, 'bad-1': {} })
    for (const id of ['bad-0', 'bad-1']) world.endpoints.setHealth(world.row(id), HEALTH_DEGRADED)
    const { good, bad } = shares(world)
    // 2 of 4 × 1.4 = 70 % to the healthy, 30 % to the degraded.
    isNear(good, 0.7)
    isNear(bad, 0.3)
    world.endpoints.setHealth(world.row('bad-0'), HEALTH_HEALTHY)
    assert.deepEqual(Object.keys(shares(world)).sort(), ['bad', 'good'], 'bad-0 is healthy now')
    world.bar('good-0', UNHEALTHY)
    world.bar('good-1', UNHEALTHY)
    world.endpoints.setHealth(world.row('bad-0'), HEALTH_DEGRADED)
    assert.deepEqual(shares(world, 200), { bad: 1 })
    world.close()
  })

  test('of a better priority come after the healthy of a worse one', () => {
    const world = tinyWorld(priorities([2, 2]))
    for (const id of ['p0-0', 'p0-1']) world.endpoints.setHealth(world.row(id), HEALTH_DEGRADED)
    assert.deepEqual(shares(world, 200), { p1: 1 })
    world.close()
  })
})

describe('panic', () => {
  test('below the threshold all of the admitted are used, at it only the open', () => {
    const world = tinyWorld(priorities([4]), { policy: 'round-robin' })
    for (const id of ['p0-0', 'p0-1']) world.bar(id, UNHEALTHY)
    const ids = (): Set<string | undefined> => new Set(Array.from({ length: 40 }, () => world.pickId()))
    assert.deepEqual(ids(), new Set(['p0-2', 'p0-3']))
    world.bar('p0-2', EJECTED)
    assert.deepEqual(ids(), new Set(['p0-0', 'p0-1', 'p0-2', 'p0-3']))
    world.close()
  })

  test('fails at once where the config says so', () => {
    const world = tinyWorld(priorities([4]), { text: { failOnPanic: true } })
    for (const id of ['p0-0', 'p0-1']) world.bar(id, UNHEALTHY)
    assert.ok(world.router.pick() >= 0)
    world.bar('p0-2', EJECTED)
    assert.equal(world.router.pick(), PICK.NO_ENDPOINT)
    world.bar('p0-3', EJECTED)
    assert.equal(world.router.pick(), PICK.NO_ENDPOINT)
    world.close()
  })

  test('of one priority does not touch another', () => {
    // P0: 1 of 4 healthy is 35 %, P1: 2 of 4 is 70 %; 105 % are enough: no panic. P1 down to 1 of 4: 70 %, both panic.
    const world = tinyWorld(priorities([4, 4]), { policy: 'round-robin' })
    for (const id of ['p0-0', 'p0-1', 'p0-2', 'p1-0', 'p1-1']) world.bar(id, UNHEALTHY)
    const ids = (): string[] => [...new Set(Array.from({ length: 400 }, () => world.pickId()!))].sort()
    assert.deepEqual(ids(), ['p0-3', 'p1-2', 'p1-3'])
    world.bar('p1-2', UNHEALTHY)
    assert.equal(ids().length, 8)
    world.close()
  })
})

describe('many rows', () => {
  test('loads follow the facts once a tick beyond 256 rows, bars at once', () => {
    const world = tinyWorld(priorities([300, 1]), { capacity: { rows: 400 } })
    world.region.words[CLOCK_MS_AT] = 1000
    assert.deepEqual(shares(world, 100), { p0: 1 })
    world.region.words[CLOCK_MS_AT] = 1010
    world.bar('p0-0', UNHEALTHY)
    assert.deepEqual(shares(world, 100), { p0: 1 })
    for (let i = 1; i < 150; i++) world.bar(`p0-${i}`, UNHEALTHY)
    for (let i = 0; i < 400; i++) assert.match(world.pickId()!, /^p0-(1[5-9]|2)\d/, 'barred rows are out at once')
    world.region.words[CLOCK_MS_AT] = 1020
    isNear(shares(world).p1, 0.3)
    world.close()
  })

  test('a tier that was emptied since loads were derived is noticed by the pick that finds it empty', () => {
    const world = tinyWorld(priorities([300, 1]), { capacity: { rows: 400 } })
    world.region.words[CLOCK_MS_AT] = 1000
    world.router.pick()
    for (let i = 0; i < 300; i++) world.bar(`p0-${i}`, UNHEALTHY)
    assert.equal(world.pickId(), 'p1-0')
    world.close()
  })
})

describe('zones', () => {
  const spread = (counts: Record<string, number>): Record<string, TinyEndpoint> =>
    Object.fromEntries(
      Object.entries(counts).flatMap(([zone, count]) =>
        Array.from({ length: count }, (_, i): [string, TinyEndpoint] => [`${zone}-${i}`, { zone }]),
      ),
    )
  const aware = { mode: 'zone-aware', zone: 'z1', minEndpoints: 6 } as const

  test('requests stay in our zone where it has its share', () => {
    const world = tinyWorld(spread({ z2: 2, z1: 2, z3: 2 }), { text: { locality: aware } })
    assert.deepEqual(shares(world, 500), { z1: 1 })
    world.close()
  })

  test('what our zone has no room for goes to zones that have', () => {
    // Three zones, a node in each: 3,333 each. Endpoints 1 : 3 : 2 of 6: 1,666, 5,000, 3,333. 49.98 % stay; z2 has room.
    const world = tinyWorld(spread({ z1: 1, z2: 3, z3: 2 }), { text: { locality: aware } })
    const { z1, z2 } = shares(world)
    isNear(z1, 0.4998)
    isNear(z2, 0.5002)
    world.close()
  })

  test('nodes by zone are taken as they are told', () => {
    const nodes = { z1: 1, z2: 2, z3: 2 }
    const world = tinyWorld(spread({ z1: 1, z2: 2, z3: 2, z4: 1 }), { text: { locality: { ...aware, nodes } } })
    // l(z1) = 2,000, u(z1) = 1,666: 83.3 % stay; z2, z3 have less than their nodes, z4 takes the rest.
    const { z1, z4 } = shares(world)
    isNear(z1, 0.833)
    isNear(z4, 0.167)
    world.close()
  })

  test('below the least number of endpoints zones are not told apart', () => {
    const world = tinyWorld(spread({ z1: 2, z2: 2 }), { text: { locality: aware } })
    isNear(shares(world).z1, 0.5)
    world.close()
  })

  test('a zone whose endpoints are all tried is left for another', () => {
    const world = tinyWorld(spread({ z1: 2, z2: 2, z3: 2 }), { text: { locality: aware } })
    const tried = new Tried()
    for (const id of ['z1-0', 'z1-1']) tried.add(world.row(id))
    assert.match(world.router.endpoint(world.router.pick(0, tried)).id, /^z[23]/)
    world.close()
  })

  test('weights of zones are heeded', () => {
    const weights = { z1: 1, z2: 3 }
    const locality = { mode: 'weighted', zone: '', minEndpoints: 0, weights } as const
    const world = tinyWorld(spread({ z1: 4, z2: 4 }), { text: { locality } })
    isNear(shares(world).z2, 0.75)
    for (const id of ['z2-0', 'z2-1']) world.bar(id, UNHEALTHY)
    // 3 × 70 against 1 × 100.
    isNear(shares(world).z2, 210 / 310)
    world.close()
  })
})
