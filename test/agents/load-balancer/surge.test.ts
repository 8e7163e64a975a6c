import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Agreed } from '../../../agents/load-balancer/admission.ts'
import { admitted, sharesOf, voteOnShares } from '../../../agents/load-balancer/admission.ts'
import { respond } from '../../../agents/load-balancer/surge-response.ts'
import { nameOf } from '../../../agents/load-balancer/surge-step.ts'
import {
  admissionAgreed,
  capacityReported,
  loadSummarised,
  policyRequested,
  sheddingRequested,
  surgeBegun,
  surgeEnded,
} from '../../../agents/signals.ts'
import { NO_RATES } from '../../../agents/skills/traffic/surge.ts'
import type { ServiceRates } from '../../../agents/skills/traffic/traffic-analysis.ts'
import { replaySurge } from './surge-replay.ts'
import { balanced } from './world.ts'

const SURGE_KNOBS = { minPerSecond: 50, factor: 3, deviations: 4, shedAbove: 0.8, consensusTimeout: 30_000 }

test('a surge has its service picked by least-request and told, and all is as before when it is over (AC-18, ALG-11)', async t => {
  const world = await balanced(t, ['a', 'b', 'c'], { policy: 'round-robin' })
  const policy = (): string => world.box.explain('api').policy
  const end = () => ({ ms: 50 })
  await world.send({ perSecond: 20, forMs: 14_000, end })
  assert.equal(policy(), 'round-robin')
  const before = world.state.served.get('api')!
  assert.equal(before.response, undefined)
  await world.send({ perSecond: 120, forMs: 5_000, end })
  assert.equal(policy(), 'least-request')
  const begun = world.told.filter(surgeBegun.is)
  assert.deepEqual([begun.length, begun[0]!.data.class, begun[0]!.subject], [1, 'organic', 'api'])
  assert.ok(begun[0]!.data.usual < 30 && begun[0]!.data.perSecond > 100)
  assert.notEqual(world.state.served.get('api')!.response, undefined)
  await world.send({ perSecond: 20, forMs: 14_000, end })
  assert.equal(policy(), 'round-robin')
  const ended = world.told.filter(surgeEnded.is)
  assert.equal(ended.length, 1)
  assert.ok(ended[0]!.data.peakPerSecond >= 110 && ended[0]!.data.tookMs > 10_000)
  assert.equal(world.told.filter(sheddingRequested.is).length, 0, 'there was room for all')
})

test('a policy that was there for a surge is taken back by a load balancer that was restarted; one that was wished is not (ALG-11)', async t => {
  const world = await balanced(t, ['a', 'b', 'c'], { policy: 'round-robin' })
  await world.send({ perSecond: 20, forMs: 14_000 })
  await world.send({ perSecond: 120, forMs: 5_000 })
  assert.equal(world.box.explain('api').policy, 'least-request')
  await world.plane.control.kill('load-balancer')
  await world.plane.advance(1_000)
  assert.equal(world.box.explain('api').policy, 'round-robin')
  world.plane.hear(policyRequested.of({ service: 'api', policy: 'random', by: 'test' }))
  await world.plane.advance(100)
  await world.plane.control.kill('load-balancer')
  await world.plane.advance(1_000)
  assert.equal(world.box.explain('api').policy, 'random')
})

test('a surge of a service where a key decides leaves its policy alone (ALG-11)', () => {
  const of = (policy: string, policyInstead = 0) => {
    const view = {
      ...{ index: 0, name: 'api', policy, policyInstead, isPolicyPassing: false, shedFrom: 0, trust: undefined },
      ...{ panicThreshold: 0.5, isPanicTold: false, overprovisioning: 140, isPullMaxRight: true, endpoints: [] },
    }
    return respond(undefined, { view, rates: surging(10), capacity: 100, growth: 1 }, SURGE_KNOBS, 0).directives.length
  }
  assert.equal(of('round-robin'), 1)
  assert.equal(of('maglev'), 0)
  assert.equal(of('least-request'), 0)
  assert.equal(of('round-robin', 3), 0, 'somebody wished another')
})

/** A service in a surge with so many requests in flight, as many as a second ago. */
function surging(inflight: number): ServiceRates {
  return {
    rates: { ...NO_RATES, buckets: [500, 500], isSurge: true },
    surge: { class: 'organic', begunMs: 0, usual: 100, peak: 500 },
    last: {
      ...{ service: 'api', perSecond: 500, failedShare: 0, inflight, retries: 0, pending: 0 },
      ...{ isKeyed: false, sentSkew: 1, inflightSkew: 1 },
    },
  }
}

test('the cheapest class is shed while more than 80 % of the capacity is expected to be in use, and until it is less than 60 % (ALG-11)', () => {
  const view = {
    ...{ index: 0, name: 'api', policy: 'least-request', policyInstead: 0, isPolicyPassing: false, shedFrom: 0 },
    ...{ trust: undefined, panicThreshold: 0.5, isPanicTold: false, overprovisioning: 140, isPullMaxRight: true },
    endpoints: [],
  }
  const seen = (inflight: number, growth = 1) => ({ view, rates: surging(inflight), capacity: 100, growth })
  const shedFor = (answer: ReturnType<typeof respond>): number[] =>
    answer.directives.flatMap(each =>
      each.kind === 'emit' && sheddingRequested.is(each.draft as never)
        ? [(each.draft.data as { forMs: number }).forMs]
        : [],
    )
  let answer = respond(undefined, seen(79), SURGE_KNOBS, 0)
  assert.deepEqual(shedFor(answer), [])
  answer = respond(answer.response, seen(60, 1.4), SURGE_KNOBS, 1_000)
  assert.deepEqual(shedFor(answer), [5_000], 'by forecast 84 %')
  answer = respond(answer.response, seen(85), SURGE_KNOBS, 2_000)
  assert.deepEqual(shedFor(answer), [], 'asked a second ago')
  answer = respond(answer.response, seen(65), SURGE_KNOBS, 3_000)
  assert.deepEqual(shedFor(answer), [5_000], 'still')
  answer = respond(answer.response, seen(59), SURGE_KNOBS, 4_000)
  assert.deepEqual(shedFor(answer), [0])
  answer = respond({ shedMs: 4_000, hasAsked: false }, { ...seen(59), rates: undefined }, SURGE_KNOBS, 5_000)
  assert.deepEqual([answer.response, shedFor(answer)], [undefined, [0]], 'the surge is over')
})

test('sharesOf() gives each balancer its part by what it has to do, 5 % at least, and all of it together', () => {
  const shares = sharesOf(['a', 'b', 'c'], name => ({ a: 300, b: 100 })[name])
  assert.ok(Math.abs(Object.values(shares).reduce((sum, each) => sum + each, 0) - 1) < 1e-12)
  // c is taken to have the mean, 200: of the 85 % beyond the least, a has a half.
  assert.ok(Math.abs(shares.a! - (0.05 + 0.85 / 2)) < 1e-12)
  assert.deepEqual(
    sharesOf(['a', 'b'], () => 0),
    { a: 0.5, b: 0.5 },
  )
  const voters = ['a', 'b', 'c'].map(agent => ({ agent, incarnation: 1 }))
  const ballot = (payload: unknown): string =>
    voteOnShares({
      ...{ type: 'surge-throttling', subject: 'api/a', episode: 1, payload, voters },
      ...{ rule: 'majority', timeoutMs: 1 },
    } as const).ballot
  assert.equal(ballot({ shares }), 'yes')
  assert.equal(ballot({ shares: { a: 0.5, b: 0.5 } }), 'no', 'c has none')
  assert.equal(ballot({ shares: { a: 0.5, b: 0.5, c: 0.5 } }), 'no', 'more than all')
  assert.equal(ballot(undefined), 'no')
  assert.equal(nameOf('/signalbox/nodes/n2/agents/load-balancer'), 'load-balancer@n2')
  const first = { share: 0.5, fence: 7, untilMs: 100 }
  assert.equal(
    admitted(first, { share: 0.9, fence: 6, untilMs: 200 }, 50),
    first,
    'what was decided before does not undo',
  )
  assert.equal(admitted(first, { share: 0.9, fence: 6, untilMs: 200 }, 150).share, 0.9)
})

for (const status of ['accepted', 'rejected', 'unknown'] as const) {
  test(`balancers that have ${status} shares in a surge act on that, and on nothing else (D14, AC-21)`, async t => {
    const asked: unknown[] = []
    const world = await balanced(
      t,
      ['a', 'b'],
      { policy: 'least-request' },
      {
        actions: {
          'agree-on-shares': async (wish): Promise<Agreed> => {
            asked.push(wish)
            return {
              service: 'api',
              status,
              shares: { 'load-balancer': 0.25, 'load-balancer@n2': 0.75 },
              own: 'load-balancer',
              fence: 9,
            }
          },
        },
      },
    )
    const nothing = { cpu: null, memory: null, network: null, utilisation: null }
    const others = loadSummarised.of({
      rows: [{ service: 'api', id: 'a', inflight: 3, perSecond: 300, latencyUs: 1_000 }],
    })
    await world.send({ perSecond: 20, forMs: 13_000 })
    // Twelve may be in flight in all: ten are expected, so it is worth asking. They end after 80 ms.
    const rows = ['a', 'b'].map(id => ({ ...world.ref(id), ...nothing, maxConnections: 6 }))
    world.plane.hear(capacityReported.of({ by: 'agent', rows }))
    world.plane.hear(others)
    await world.send({ perSecond: 125, forMs: 6_000, end: () => ({ ms: 80 }) })
    assert.equal(asked.length, 1, 'once for a surge')
    const { admission } = world.state.served.get('api')!
    const told = world.told.filter(admissionAgreed.is)
    if (status === 'accepted') {
      assert.deepEqual([admission!.share, admission!.fence], [0.25, 9])
      assert.deepEqual(told[0]!.data.shares, { 'load-balancer': 0.25, 'load-balancer@n2': 0.75 })
    } else assert.deepEqual([admission, told], [undefined, []])
  })
}

test('a surge of five times what is usual is absorbed: nothing but the cheapest class is turned away, and nobody gets an error (AC-18, ALG-11)', async t => {
  for (const seed of [1, 2, 3]) {
    const { sent, shed, shedDear, failed, unrouted, queueMax } = await replaySurge(seed, true, 20_000)
    t.diagnostic(`seed ${seed}: ${sent} sent, ${shed} shed, ${failed} failed, the longest queue ${queueMax} of 60`)
    assert.deepEqual([failed, unrouted, shedDear], [0, 0, 0])
    assert.ok(shed > 4_000 && sent > 12_000, `${shed} shed, ${sent} sent`)
  }
  const without = await replaySurge(1, false, 20_000)
  t.diagnostic(`without the load balancer, seed 1: ${without.failed} of ${without.sent} failed`)
  assert.ok(without.failed > 50, 'the same surge fails requests where nobody sees to it')
})
