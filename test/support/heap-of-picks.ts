/**
 * Prints how many bytes of garbage picks and settles make, for each policy in each kind of service, and what as many small
 * objects make. Its own process: nothing else may allocate meanwhile, and it is started with the flags below, the number of
 * picks in a round and the number of rounds.
 *
 *   node --expose-gc --min-semi-space-size=128 --max-semi-space-size=128 heap-of-picks.js 1000000 3
 */
import { DEGRADED, EJECTED, QUARANTINED, TRIPPED } from '../../engine/memory/bars.ts'
import { CLASS } from '../../engine/memory/classes.ts'
import { tickClock } from '../../engine/memory/clock.ts'
import { avalanche } from '../../engine/memory/hash-key.ts'
import { BREAKER_UNTIL_MS, ROW_WORDS } from '../../engine/memory/layout.ts'
import type { ServiceText } from '../../engine/memory/service-text.ts'
import { Tried } from '../../engine/memory/tried.ts'
import { Router } from '../../engine/router/router.ts'
import { VARIANTS, type Variant } from './policy-variants.ts'
import type { TinyEndpoint } from './tiny-endpoint.ts'
import { TinyWorld, tinyWorld } from './tiny-world.ts'

const PICKS = Number(process.argv[2] ?? 1_000_000)
const ROUNDS = Number(process.argv[3] ?? 3)
const MORE_ROUNDS = 6

/** A way to use a service: what it is like, and what one round does with it. */
interface Kind {
  readonly name: string
  make(policy: Variant): TinyWorld
  round(world: TinyWorld, picks: number): void
}

const TEN: Record<string, TinyEndpoint> = Object.fromEntries(
  Array.from({ length: 10 }, (_, i) => [
    `e${i}`,
    { weight: 0.5 + (i % 3), priority: i % 2, metadata: { half: `${i % 2}` } },
  ]),
)
const PLAIN = Object.fromEntries(Object.entries(TEN).map(([id, { weight }]) => [id, { weight }]))

/** Every other key is one of eight that come again and again, the others are new: policies with a memory find and forget. */
const keyOf = (i: number): number => avalanche(i & 1 ? i & 15 : i)

const textOf = ({ policy, written }: Variant): ServiceText['policy'] => ({ name: policy.name, ...written })

const GUARDED: Partial<ServiceText> = {
  limits: { requests: 100, connections: 0, retries: 0, endpointRequests: 4 },
  breaker: {
    consecutiveFailures: 5,
    errorRate: 0.5,
    errorRateVolume: 50,
    windowMs: 100,
    openForMs: 1,
    maxOpenForMs: 10,
    probes: 2,
  },
  retryBudget: { share: 0.2, min: 3 },
}

const plain: Kind = {
  name: 'plain',
  make: variant => tinyWorld(PLAIN, { policy: textOf(variant) }),
  round({ router }, picks) {
    for (let i = 0; i < picks; i++) router.settle(router.pick(keyOf(i)), 'ok', i & 1023)
  },
}

/** Priorities, a degraded endpoint, limits, breakers that open and are probed, a budget of second tries that are kept. */
const guarded: Kind = {
  name: 'guarded',
  make(variant) {
    const world = tinyWorld(TEN, { policy: textOf(variant), text: GUARDED })
    world.bar('e0', DEGRADED)
    world.bar('e2', DEGRADED)
    world.bar('e4', QUARANTINED)
    return world
  },
  round({ router, region, endpoints }, picks) {
    for (let i = 0; i < picks; i++) {
      // A fact changes now and then, so that tiers are derived anew.
      if ((i & 63) === 0) endpoints.setBar(0, DEGRADED, (i & 64) === 0)
      if ((i & 1023) === 0) tickClock(region)
      const ticket = router.pick(keyOf(i))
      if (ticket < 0) continue
      if ((i & 7) < 3) router.settle(ticket, 'error', 0)
      else {
        if (router.tryRetry()) router.endRetry()
        router.keep(keyOf(i), ticket)
        router.settle(ticket, 'ok', i & 1023)
      }
    }
  },
}

const subsetRouters = new WeakMap<TinyWorld, Router>()
const subset: Kind = {
  name: 'subset',
  make(variant) {
    const world = tinyWorld(TEN, { policy: textOf(variant) })
    subsetRouters.set(world, new Router(world.attachment, TinyWorld.SERVICE, { subset: { half: '1' } }))
    return world
  },
  round(world, picks) {
    const router = subsetRouters.get(world) as Router
    for (let i = 0; i < picks; i++) router.settle(router.pick(keyOf(i)), 'ok', i & 1023)
  },
}

/** Services in which a pick answers below zero: all tried, all barred for good, shed, open breakers, no room; by turns. */
const refusing = new WeakMap<TinyWorld, TinyWorld[]>()
const TRIED = new Tried()
for (let row = 0; row < 10; row++) TRIED.add(row)
const refused: Kind = {
  name: 'refused',
  make(variant) {
    const worlds = Array.from({ length: 5 }, () => tinyWorld(TEN, { policy: textOf(variant), text: GUARDED }))
    const [first, barred, shed, tripped, full] = worlds
    for (const id of Object.keys(TEN)) {
      first.bar(id, EJECTED)
      barred.bar(id, QUARANTINED)
      tripped.bar(id, TRIPPED)
      const at = tripped.region.layout.endpointsAt + tripped.row(id) * ROW_WORDS
      tripped.region.words[at + BREAKER_UNTIL_MS] = 1_000_000_000
    }
    shed.services.setShedFrom(shed.service, CLASS.SHEDDABLE)
    for (let i = 0; i < 40; i++) full.router.pick(i)
    refusing.set(first, worlds)
    return first
  },
  round(world, picks) {
    const [first, barred, shed, tripped, full] = refusing.get(world) as TinyWorld[]
    let answered = 0
    for (let i = 0; i < picks; i += 5) {
      const key = keyOf(i)
      if (first.router.pick(key, TRIED) >= 0) answered++
      if (barred.router.pick(key) >= 0) answered++
      if (shed.router.pick(key, undefined, CLASS.SHEDDABLE) >= 0) answered++
      if (tripped.router.pick(key) >= 0) answered++
      if (full.router.pick(key) >= 0) answered++
    }
    if (answered > 0) throw new Error(`${answered} picks were answered that should be refused`)
  },
}

/** What `act` leaves on the heap. No collection runs meanwhile: the young generation is made larger than all it may allocate. */
function grown(act: () => void): number {
  globalThis.gc!()
  const before = process.memoryUsage().heapUsed
  act()
  return process.memoryUsage().heapUsed - before
}

const KINDS = [plain, guarded, subset, refused]
/** The kinds beside the plain one take an eighth of the picks, unless there are many rounds. */
const picksOf = (kind: Kind): number => (kind === plain || ROUNDS > 3 ? PICKS : PICKS >> 3)

/** Bytes by policy and kind: of the round that made least, and of the one in the middle. */
const bytes: Record<string, Record<string, { picks: number; least: number; middle: number }>> = {}
// What all policies share is compiled, and seen with all kinds of services, before the first is measured.
for (const kind of KINDS) {
  const world = kind.make(VARIANTS[VARIANTS.length - 1])
  kind.round(world, 200_000)
  world.close()
}
for (const variant of VARIANTS) {
  const kinds: (typeof bytes)[string] = {}
  // What surrounds a pick is the same whatever is written beside the policy's name.
  const isBare = Object.keys(variant.written).length === 0
  for (const kind of isBare || ROUNDS > 3 ? KINDS : [plain]) {
    const world = kind.make(variant)
    const picks = picksOf(kind)
    // Long enough for the optimizing compiler to be done.
    kind.round(world, kind === plain ? 300_000 : 200_000)
    // The least of the rounds: in one of them the compiler may have taken its code back and made it anew, and code that is
    // not compiled yet boxes every fraction. A policy that allocates does so in all of them.
    // Where the compiler gets no processor for long, that may take some more.
    const rounds: number[] = []
    while (rounds.length < ROUNDS || (rounds.length < ROUNDS + MORE_ROUNDS && Math.min(...rounds) > picks)) {
      rounds.push(grown(() => kind.round(world, picks)))
    }
    rounds.sort((a, b) => a - b)
    kinds[kind.name] = { picks, least: rounds[0], middle: rounds[rounds.length >> 1] }
    world.close()
  }
  bytes[variant.name] = kinds
}

// One small object a pick, kept until the next: what an allocating policy would look like.
let kept: object = {}
const allocating = grown(() => {
  for (let i = 0; i < PICKS >> 3; i++) kept = { i, before: kept === undefined }
})
process.stdout.write(JSON.stringify({ bytes, allocating }))
