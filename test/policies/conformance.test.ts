import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DRAINING, EJECTED, QUARANTINED, UNHEALTHY } from '../../engine/memory/bars.ts'
import { Candidates } from '../../engine/memory/candidates.ts'
import { avalanche } from '../../engine/memory/hash-key.ts'
import { Tried } from '../../engine/memory/tried.ts'
import { createDice } from '../../engine/policies/dice.ts'
import { NO_ENDPOINT, type PickRow } from '../../engine/policies/policy.ts'
import { completeOptions } from '../../engine/policies/policy-options.ts'
import { VARIANTS, type Variant } from '../support/policy-variants.ts'
import { newEndpoint, type TinyEndpoint } from '../support/tiny-endpoint.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

/** What every policy promises, whoever writes it. A new one is tested by being in the registry. */

/** Sizes on both sides of the bounds policies have: empty, alone, a pair, a scan, beyond a scan. */
const SIZES = [1, 2, 3, 16, 17, 40]

function many(count: number, endpoint: TinyEndpoint = {}): Record<string, TinyEndpoint> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`e${i}`, endpoint]))
}

/** Keys come as hashes, which are spread. */
const key = (i: number): number => avalanche(i) >>> 0

/** Picks and settles at once; how often each id came. */
function counts(world: TinyWorld, picks: number, isHeld = false): Map<string, number> {
  const seen = new Map<string, number>()
  for (let i = 0; i < picks; i++) {
    const ticket = world.router.pick(key(i))
    assert.ok(ticket >= 0)
    const { id } = world.router.endpoint(ticket)
    seen.set(id, (seen.get(id) ?? 0) + 1)
    if (!isHeld) world.router.settle(ticket, 'ok', 100)
  }
  return seen
}

/** The policy without a router around it. */
function bare({ policy, written }: Variant, seed = 1): PickRow {
  return policy.create(createDice(seed), completeOptions(policy.options, written)).pickRow
}

/** Five standard deviations of a binomial count: one false alarm in 1.7 million. */
function tolerance(picks: number, share: number): number {
  return 5 * Math.sqrt(picks * share * (1 - share))
}

for (const variant of VARIANTS) {
  const { name, policy, written } = variant
  describe(name, () => {
    const options = { policy: { name: policy.name, ...written } }

    test('answers NO_ENDPOINT for a service without endpoints', () => {
      const world = tinyWorld({}, options)
      assert.equal(world.router.pick(), NO_ENDPOINT)
      world.close()
    })

    test('always picks the only endpoint', () => {
      const world = tinyWorld({ a: {} }, options)
      assert.equal(counts(world, 100).get('a'), 100)
      world.close()
    })

    test('picks both of two equal endpoints', () => {
      const world = tinyWorld({ a: {}, b: {} }, options)
      assert.equal(counts(world, 200).size, 2)
      world.close()
    })

    test('never picks a row outside the service', () => {
      const world = tinyWorld({ a: {}, b: {} }, { ...options, capacity: { services: 2 } })
      world.writer.edit(edit => {
        const other = edit.putService({ name: 'other', policy: options.policy, panicThreshold: 0.5 })
        for (let i = 0; i < 20; i++) edit.add(other, newEndpoint(`x${i}`, { weight: 100 }))
      })
      world.add('c')
      for (const id of counts(world, 500).keys()) assert.match(id, /^[abc]$/)
      world.close()
    })

    for (const [name, bar] of Object.entries({ DRAINING, QUARANTINED, UNHEALTHY, EJECTED })) {
      test(`never picks a row barred by ${name} while another is open`, () => {
        for (const count of SIZES) {
          // In panic it would be otherwise for the soft ones, and rightly.
          const world = tinyWorld(many(count), { ...options, panicThreshold: 0 })
          const open = `e${count >> 1}`
          for (const id of Object.keys(many(count))) if (id !== open) world.bar(id, bar)
          assert.deepEqual([...counts(world, 200)], [[open, 200]], `${count} rows`)
          world.close()
        }
      })
    }

    test('picks among the soft-barred when nothing else is left, never a hard-barred one (ALG-13)', () => {
      const world = tinyWorld(many(6), options)
      for (const id of ['e0', 'e1']) world.bar(id, EJECTED)
      world.bar('e2', UNHEALTHY)
      for (const id of ['e3', 'e4']) world.bar(id, DRAINING)
      world.bar('e5', QUARANTINED)
      const seen = counts(world, 600)
      assert.deepEqual([...seen.keys()].sort(), ['e0', 'e1', 'e2'])
      world.close()
    })

    if (policy.isWeighted) {
      test('shares by weight among the soft-barred too', () => {
        const world = tinyWorld({ a: { weight: 1 }, b: { weight: 2 }, c: { weight: 3 } }, options)
        for (const id of ['a', 'b', 'c']) world.bar(id, EJECTED)
        const seen = counts(world, 12_000)
        for (const [id, share] of Object.entries({ a: 1 / 6, b: 2 / 6, c: 3 / 6 })) {
          const off = Math.abs((seen.get(id) ?? 0) - 12_000 * share)
          assert.ok(off <= tolerance(12_000, share), `${id} is off by ${off}`)
        }
        world.close()
      })
    }

    test('answers NO_ENDPOINT when all are soft-barred and the panic threshold is 0', () => {
      const world = tinyWorld(many(3), { ...options, panicThreshold: 0 })
      for (const id of Object.keys(many(3))) world.bar(id, UNHEALTHY)
      assert.equal(world.router.pick(), NO_ENDPOINT)
      world.close()
    })

    test('answers NO_ENDPOINT when all are hard-barred', () => {
      for (const count of SIZES) {
        const world = tinyWorld(many(count), options)
        for (const id of Object.keys(many(count))) world.bar(id, DRAINING)
        assert.equal(world.router.pick(), NO_ENDPOINT)
        world.close()
      }
    })

    test('never picks a row of weight or factor 0, not even in panic', () => {
      for (const count of SIZES.filter(each => each > 1)) {
        const world = tinyWorld({ ...many(count, { weight: 0 }), last: { weight: 1 } }, options)
        assert.deepEqual([...counts(world, 200).keys()], ['last'])
        world.endpoints.setFactor(world.row('last'), 0)
        assert.equal(world.router.pick(), NO_ENDPOINT)
        world.close()
      }
    })

    test('never picks a row that was tried while another is open, and says so when none is', () => {
      for (const count of SIZES.filter(each => each <= 16)) {
        const world = tinyWorld(many(count), options)
        for (let round = 0; round < 20; round++) {
          const tried = new Tried()
          const rows = new Set<number>()
          for (let attempt = 0; attempt < count; attempt++) {
            const ticket = world.router.pick(round, tried)
            assert.ok(ticket >= 0, `try ${attempt} of ${count}`)
            const { row } = world.router.endpoint(ticket)
            rows.add(row)
            tried.add(row)
          }
          assert.equal(rows.size, count)
          assert.equal(world.router.pick(round, tried), NO_ENDPOINT)
        }
        world.close()
      }
    })

    test('finds the one open row wherever it is, although other threads take every other turn', () => {
      class Contended extends Candidates {
        override nextTurn(): number {
          super.nextTurn()
          return super.nextTurn()
        }
      }
      for (const count of [2, 4, 16, 32]) {
        for (const open of [0, 1]) {
          const world = tinyWorld(many(count), options)
          for (const id of Object.keys(many(count))) if (id !== `e${open}`) world.bar(id, QUARANTINED)
          const candidates = world.candidates(Contended)
          const pick = bare(variant)
          for (let i = 0; i < 10; i++) assert.equal(pick(candidates, key(i)), world.row(`e${open}`))
          world.close()
        }
      }
    })

    test('ends within steps bounded by the number of rows, whatever is barred', () => {
      let steps = 0
      class Counting extends Candidates {
        override at(position: number): number {
          steps++
          return super.at(position)
        }
        override entryRow(position: number): number {
          steps++
          return super.entryRow(position)
        }
      }
      for (const count of SIZES) {
        for (const isOpen of [(_: number) => true, (i: number) => i === 0, (i: number) => i % 2 === 1, () => false]) {
          const world = tinyWorld(
            Object.fromEntries(Array.from({ length: count }, (_, i) => [`e${i}`, { weight: 1 + 100 * (i % 3) }])),
            options,
          )
          for (let i = 0; i < count; i++) world.bar(`e${i}`, DRAINING, !isOpen(i))
          const candidates = world.candidates(Counting)
          const pick = bare(variant)
          let most = 0
          for (let i = 0; i < 300; i++) {
            steps = 0
            pick(candidates, key(i))
            most = Math.max(most, steps)
          }
          // Two rounds, a scan, two rounds, a scan, and a fixed number of draws, or of entries of a table.
          assert.ok(most <= 6 * count + 80, `${most} steps for ${count} rows`)
          world.close()
        }
      }
    })

    test('throws the same dice, picks the same rows', () => {
      for (const count of [3, 40]) {
        const runs = [7, 7].map(seed => {
          const world = tinyWorld(many(count), options)
          const candidates = world.candidates(Candidates)
          const pick = bare(variant, seed)
          const rows = Array.from({ length: 200 }, (_, i) => pick(candidates, key(i)))
          world.close()
          return rows
        })
        assert.deepEqual(runs[0], runs[1])
      }
    })

    test('follows a change of rows on the next pick', () => {
      const world = tinyWorld({ a: {} }, options)
      world.router.pick()
      world.add('b')
      world.remove('a')
      assert.deepEqual([...counts(world, 50)], [['b', 50]])
      world.close()
    })

    if (policy.isWeighted) {
      test('gives each its share of the weights while requests are in flight', () => {
        // Nothing is settled, so what is picked is what is in flight; both count towards the same shares.
        const weights: Record<string, number> = { a: 1, b: 2, c: 3, d: 0.5 }
        const world = tinyWorld(
          Object.fromEntries(Object.entries(weights).map(([id, weight]) => [id, { weight }])),
          options,
        )
        const seen = counts(world, 6500, true)
        for (const [id, weight] of Object.entries(weights)) {
          const share = weight / 6.5
          const off = Math.abs((seen.get(id) ?? 0) - 6500 * share)
          assert.ok(off <= tolerance(6500, share), `${id} is off by ${off}`)
        }
        world.close()
      })

      test('gives each its share of the weights while each request is settled before the next', () => {
        const world = tinyWorld({ a: { weight: 1 }, b: { weight: 2 }, c: { weight: 3 } }, options)
        const seen = counts(world, 12_000)
        for (const [id, share] of Object.entries({ a: 1 / 6, b: 2 / 6, c: 3 / 6 })) {
          const off = Math.abs((seen.get(id) ?? 0) - 12_000 * share)
          assert.ok(off <= tolerance(12_000, share), `${id} is off by ${off}`)
        }
        world.close()
      })

      test('gives the rest their shares while the heaviest is barred', () => {
        const world = tinyWorld({ big: { weight: 1000 }, a: { weight: 1 }, b: { weight: 3 } }, options)
        world.bar('big', QUARANTINED)
        const off = Math.abs((counts(world, 12_000).get('b') ?? 0) - 9000)
        assert.ok(off <= tolerance(12_000, 0.75), `b is off by ${off}`)
        world.close()
      })

      for (const isHeld of [false, true]) {
        test(`gives a heavy one among twenty its share, requests ${isHeld ? 'in flight' : 'settled at once'}`, () => {
          const world = tinyWorld({ ...many(19), heavy: { weight: 10 } }, options)
          const off = Math.abs((counts(world, 5800, isHeld).get('heavy') ?? 0) - 5800 * (10 / 29))
          assert.ok(off <= tolerance(5800, 10 / 29), `heavy is off by ${off}`)
          world.close()
        })
      }

      test('takes a factor as part of the weight', () => {
        const world = tinyWorld({ a: { weight: 2 }, b: { weight: 2 } }, options)
        world.endpoints.setFactor(world.row('a'), 0.5)
        world.services.refreshPullMax(world.service, world.rows(), world.endpoints)
        const off = Math.abs((counts(world, 9000).get('a') ?? 0) - 3000)
        assert.ok(off <= tolerance(9000, 1 / 3), `a is off by ${off}`)
        world.close()
      })
    }
  })
}

/** SIGNALBOX_PROOF=full measures ten million picks of each policy in each kind of service, in some minutes. */
const IS_FULL = process.env.SIGNALBOX_PROOF === 'full'

test('a pick and a settle allocate nothing, under every policy, plain, guarded, from a subset and refused (D38)', t => {
  const script = fileURLToPath(new URL('../support/heap-of-picks.js', import.meta.url))
  const flags = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128']
  const [picks, rounds] = IS_FULL ? [1_000_000, 10] : [250_000, 3]
  const args = [...flags, script, `${picks}`, `${rounds}`]
  const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: IS_FULL ? 3_600_000 : 100_000 })
  assert.equal(child.status, 0, child.stderr)
  const { bytes, allocating } = JSON.parse(child.stdout) as {
    bytes: Record<string, Record<string, { picks: number; least: number; middle: number }>>
    allocating: number
  }
  assert.deepEqual(
    Object.keys(bytes),
    VARIANTS.map(({ name }) => name),
  )
  for (const [policy, kinds] of Object.entries(bytes)) {
    t.diagnostic(`${policy}: ${Object.entries(kinds).map(([kind, { least }]) => `${kind} ${least}`)} bytes`)
    for (const [kind, { picks: each, least, middle }] of Object.entries(kinds)) {
      // A pick that made the smallest object would leave 12 bytes; compiled code and the reading itself take some tens of
      // KiB a round. A byte a pick and 300 KB lie between.
      const most = each + 300_000
      assert.ok(least < most, `${policy}, ${kind}: ${least} bytes after ${each} picks`)
      if (IS_FULL)
        assert.ok(middle < most, `${policy}, ${kind}: ${middle} bytes after ${each} picks in half the rounds`)
    }
  }
  assert.ok(allocating > 12 * (picks >> 3), `the measure has eyes: ${allocating} bytes`)
})
