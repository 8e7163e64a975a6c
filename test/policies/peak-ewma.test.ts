import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Candidates } from '../../engine/memory/candidates.ts'
import { ABANDONED, ERROR, OK } from '../../engine/memory/outcomes.ts'
import { createDice } from '../../engine/policies/dice.ts'
import { peakEwma } from '../../engine/policies/peak-ewma.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

/** Candidates with a clock that stands where it is put. */
class Clocked extends Candidates {
  now = 0
  override nowMs(): number {
    return this.now
  }
}

function bench(ids: readonly string[]): {
  world: TinyWorld
  candidates: Clocked
  pick: () => string
  learn: (id: string, outcome: number, us: number) => void
} {
  const world = tinyWorld(Object.fromEntries(ids.map(id => [id, {}])), { policy: 'peak-ewma' })
  const candidates = world.candidates(Clocked)
  const { pickRow, learn } = peakEwma.create(createDice(7), {})
  assert.ok(learn)
  return {
    world,
    candidates,
    pick: () => world.attachment.endpoint(pickRow(candidates, 0)).id,
    learn: (id, outcome, us) => learn(candidates, world.row(id), outcome, us),
  }
}

test('peak-ewma takes a latency above the average at once, and forgets it by e^(−Δt/10 s)', () => {
  const { world, candidates, learn } = bench(['a'])
  const row = world.row('a')
  learn('a', OK, 1000)
  assert.equal(candidates.peakUs(row), 1000)
  learn('a', OK, 9000)
  assert.equal(candidates.peakUs(row), 9000)
  // After ten seconds 9000 has decayed to 9000/e = 3311; a sample of 1000 takes the 1 − 1/e that was lost: 3311 + 632.
  candidates.now = 10_000
  learn('a', OK, 1000)
  assert.equal(candidates.peakUs(row), Math.round(9000 / Math.E + 1000 * (1 - 1 / Math.E)))
  world.close()
})

test('peak-ewma counts a failure as five seconds, and an abandoned request as nothing', () => {
  const { world, candidates, learn } = bench(['a'])
  learn('a', ABANDONED, 77)
  assert.equal(candidates.peakUs(world.row('a')), 0)
  learn('a', ERROR, 100)
  assert.equal(candidates.peakUs(world.row('a')), 5_000_000)
  world.close()
})

test('peak-ewma sends two requests to the one that is twice as fast for each to the other (ALG-7)', () => {
  // Costs by requests in flight: fast 1000, 2000, 3000 …; slow 2000 (+0 %), 4000 … The third request costs 3000 on fast and
  // 2000 on slow, so held requests spread 2 : 1.
  const { world, learn } = bench(['fast', 'slow'])
  learn('fast', OK, 1000)
  learn('slow', OK, 2000)
  const held: Record<string, number> = { fast: 0, slow: 0 }
  for (let i = 0; i < 30; i++) held[world.attachment.endpoint(world.router.pick() & 0xffff).id]++
  assert.ok(Math.abs(held.fast - 20) <= 1, JSON.stringify(held))
  world.close()
})

test('peak-ewma probes a newcomer once, and waits for its answer', () => {
  const { world, candidates, pick, learn } = bench(['known', 'new'])
  learn('known', OK, 1000)
  assert.equal(pick(), 'new')
  const probe = world.attachment.tally.enter(world.row('new'))
  for (let i = 0; i < 20; i++) assert.equal(pick(), 'known')
  world.attachment.tally.leave(probe, OK, 100)
  learn('new', OK, 100)
  candidates.now += 10
  assert.equal(pick(), 'new')
  world.close()
})

test('peak-ewma avoids an endpoint that has stopped answering before its answer comes', () => {
  const { world, candidates, pick, learn } = bench(['hung', 'well'])
  learn('hung', OK, 1000)
  learn('well', OK, 4000)
  assert.equal(pick(), 'hung')
  world.attachment.tally.enter(world.row('hung'))
  // In flight 1: 2000 against 4000. Nothing settled for 10 ms: 20,000 against 4000.
  assert.equal(pick(), 'hung')
  candidates.now += 10
  assert.equal(pick(), 'well')
  world.close()
})

test('peak-ewma tries an endpoint again that was slow once: what is known decays', () => {
  const { world, candidates, pick, learn } = bench(['once-slow', 'well'])
  learn('once-slow', OK, 100_000)
  let ms = 0
  for (; ms < 120_000; ms += 100) {
    candidates.now = ms
    learn('well', OK, 1000)
    if (pick() === 'once-slow') break
  }
  // 100,000 × e^(−t/10 s) falls to 1000 at t = 10 s × ln 100 = 46 s; steps of 6 % make it a little earlier or later.
  assert.ok(ms > 44_000 && ms < 48_000, `${ms} ms`)
  world.close()
})

test('peak-ewma shares between endpoints within 6 % of each other', () => {
  const { world, pick, learn } = bench(['a', 'b'])
  learn('a', OK, 1030)
  learn('b', OK, 1060)
  const seen = { a: 0, b: 0 }
  for (let i = 0; i < 1000; i++) seen[pick() as 'a' | 'b']++
  // Five standard deviations of a fair coin over 1000 throws.
  assert.ok(Math.abs(seen.a - 500) < 5 * Math.sqrt(250), JSON.stringify(seen))
  world.close()
})
