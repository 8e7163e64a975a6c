/**
 * Prints how many bytes of garbage a million picks and settles make, for each policy, and what a million small objects
 * make. Its own process: nothing else may allocate meanwhile, and it is started with the flags below.
 *
 *   node --expose-gc --min-semi-space-size=128 --max-semi-space-size=128
 */
import { avalanche } from '../../engine/memory/hash-key.ts'
import { VARIANTS } from './policy-variants.ts'
import { tinyWorld } from './tiny-world.ts'

const PICKS = 1_000_000
const ENDPOINTS = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`e${i}`, { weight: 1 + (i % 3) }]))

/** Keys are spread, and within 32 bits signed, so that no number is boxed on the way to the router. */
function round(router: ReturnType<typeof tinyWorld>['router'], picks: number): void {
  // Every other key is one of eight that come again and again, the others are new: policies with a memory find and forget.
  for (let i = 0; i < picks; i++) router.settle(router.pick(avalanche(i & 1 ? i & 15 : i)), 'ok', i & 1023)
}

/** What `act` leaves on the heap. No collection runs meanwhile: the young generation is made larger than all it may allocate. */
function grown(act: () => void): number {
  globalThis.gc!()
  const before = process.memoryUsage().heapUsed
  act()
  return process.memoryUsage().heapUsed - before
}

const bytes: Record<string, number> = {}
for (const { name, policy, written } of VARIANTS) {
  const world = tinyWorld(ENDPOINTS, { policy: { name: policy.name, ...written } })
  // Long enough for the optimizing compiler to be done.
  round(world.router, 300_000)
  // Three rounds, the least counts: in one of them the compiler may have taken its code back and made it anew, and code
  // that is not compiled yet boxes every fraction. A policy that allocates does so in all three.
  bytes[name] = Math.min(...[1, 2, 3].map(() => grown(() => round(world.router, PICKS))))
  world.close()
}

// One small object a pick, kept until the next: what an allocating policy would look like.
let kept: object = {}
const allocating = grown(() => {
  for (let i = 0; i < PICKS; i++) kept = { i, before: kept === undefined }
})
process.stdout.write(JSON.stringify({ bytes, allocating }))
