import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadBalancer } from '../../../agents/load-balancer/agent.ts'
import { shift } from '../../../agents/load-balancer/shift.ts'
import {
  capacityReported,
  costsWeighed,
  healthAlerted,
  predictionWithdrawn,
  riskChanged,
  troublePredicted,
  zonesPreferred,
} from '../../../agents/signals.ts'
import { Stage } from '../stage.ts'

const share = fc.double({ min: 0, max: 1, noNaN: true })

test('shift() moves a fifth of the weight at most, never past what is wanted, and all of it in the end', () => {
  const endpoint = fc.record({
    weight: fc.integer({ min: 1, max: 100 }),
    now: fc.double({ min: 1 / 4096, max: 1, noNaN: true }),
    wanted: fc.double({ min: 1 / 4096, max: 1, noNaN: true }),
    stays: fc.boolean(),
  })
  const sharesOf = (endpoints: readonly { weight: number; stays: boolean }[], factors: readonly number[]): number[] => {
    const pulls = endpoints.map(({ weight, stays }, i) => (stays ? weight * factors[i]! : 0))
    const sum = pulls.reduce((all, each) => all + each, 0)
    return pulls.map(each => (sum === 0 ? 0 : each / sum))
  }
  fc.assert(
    fc.property(fc.array(endpoint, { minLength: 1, maxLength: 12 }), endpoints => {
      let now = endpoints.map(each => each.now)
      const goal = sharesOf(
        endpoints,
        endpoints.map(({ wanted }) => wanted),
      )
      let steps = 0
      for (; ; steps++) {
        const { factors, moved } = shift(
          endpoints.map((each, i) => ({ ...each, now: now[i]! })),
          0.2,
        )
        const [from, to] = [sharesOf(endpoints, now), sharesOf(endpoints, factors)]
        const delta = from.reduce((sum, each, i) => sum + Math.abs(to[i]! - each), 0)
        assert.ok(delta <= 0.2 + 1e-9, `${delta} moved in one step`)
        assert.ok(Math.abs(delta - moved) < 1e-9)
        for (const [i, each] of to.entries()) {
          const [low, high] = [Math.min(from[i]!, goal[i]!), Math.max(from[i]!, goal[i]!)]
          assert.ok(each >= low - 1e-9 && each <= high + 1e-9, 'between what was and what is wanted')
          assert.ok(factors[i]! > 0 && factors[i]! <= 1 + 1e-9)
        }
        now = [...factors]
        if (moved < 1e-12 || steps > 12) break
      }
      // Σ |Δ share| is 2 at most, so ten steps do.
      assert.ok(steps <= 11, `${steps} steps`)
      for (const [i, each] of endpoints.entries()) assert.ok(Math.abs(now[i]! - each.wanted) < 1e-9)
    }),
    { numRuns: 300, seed: 20 },
  )
})

const IDS = ['a', 'b', 'c', 'd'] as const
const fact = fc.oneof(
  fc.record({ kind: fc.constant('zones' as const), z1: share, z2: share }),
  fc.record({ kind: fc.constant('costs' as const), at: fc.nat(3), factor: share }),
  fc.record({ kind: fc.constant('trouble' as const), at: fc.nat(3), probability: share }),
  fc.record({ kind: fc.constant('calm' as const), at: fc.nat(3) }),
  fc.record({ kind: fc.constant('risk' as const), at: fc.nat(3), risk: share, isAtRisk: fc.boolean() }),
  fc.record({ kind: fc.constant('warning' as const), at: fc.nat(3) }),
  fc.record({ kind: fc.constant('strain' as const), at: fc.nat(3), cpu: share }),
  fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 400 }) }),
)

test('whatever others say, no look at the facts moves more than a fifth of the weight of a service (AC-19)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fact, { minLength: 1, maxLength: 25 }), async facts => {
      const world = new Stage(loadBalancer, {}, [...IDS])
      for (const [i, id] of IDS.entries()) Object.assign(world.row(id), { weight: 1 + i, zone: i < 2 ? 'z1' : 'z2' })
      world.start()
      const shares = (): number[] => {
        const pulls = IDS.map(id => world.row(id).weight * world.row(id).factor)
        const sum = pulls.reduce((all, each) => all + each, 0)
        return pulls.map(each => each / sum)
      }
      let [before, all, beganMs] = [shares(), 0, world.clock.now()]
      const pass = async (ms: number): Promise<void> => {
        for (let i = 0; i < ms; i++) {
          await world.advance(1)
          const after = shares()
          const moved = after.reduce((sum, each, at) => sum + Math.abs(each - before[at]!), 0)
          // A factor is a 4096th off at most.
          assert.ok(moved <= 0.2 + 0.005, `${moved} moved at once`)
          all += moved
          before = after
        }
      }
      for (const each of facts) {
        if (each.kind === 'time') {
          await pass(each.ms)
          continue
        }
        const id = 'at' in each ? IDS[each.at]! : 'a'
        const { row, generation } = world.row(id)
        const ref = { row, generation, service: 'api', id }
        if (each.kind === 'zones') {
          const zones = [each.z1, each.z2].map((factor, i) => ({ zone: `z${i + 1}`, factor }))
          world.hear(zonesPreferred.of({ service: 'api', zones, because: 'test' }))
        } else if (each.kind === 'costs') {
          world.hear(costsWeighed.of({ service: 'api', factors: [{ id, factor: each.factor }], because: 'test' }))
        } else if (each.kind === 'trouble') {
          const { probability } = each
          const about = { what: 'failure', probability, confidence: 1, etaMs: null, reasons: [] } as const
          world.hear(troublePredicted.of({ ...ref, ...about }))
        } else if (each.kind === 'calm') {
          world.hear(predictionWithdrawn.of({ ...ref, what: 'failure', because: 'did-not-come' }))
        } else if (each.kind === 'risk') {
          const { risk, isAtRisk } = each
          world.hear(riskChanged.of({ ...ref, risk, isAtRisk, factors: [], etaMs: null }))
        } else if (each.kind === 'warning') {
          const about = { metric: null, value: 1, threshold: 1, reason: 'test' }
          world.hear(healthAlerted.of({ ...about, rule: 'r', severity: 'warning', subject: `api/${id}` }))
        } else {
          const nothing = { memory: null, network: null, utilisation: null, maxConnections: null }
          world.hear(capacityReported.of({ by: 'agent', rows: [{ ...ref, ...nothing, cpu: each.cpu }] }))
        }
        await pass(7)
      }
      await pass(1_200)
      assert.ok(all <= 0.2 * ((world.clock.now() - beganMs) / 100 + 1) + 0.1, `${all} moved in all`)
    }),
    { numRuns: 12, seed: 20 },
  )
})
