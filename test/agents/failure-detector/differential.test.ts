import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Episode,
  ErrorShares,
  observe,
  passiveVerdict,
  worse,
} from '../../../agents/failure-detector/differential.ts'
import { createTestControlPlane, type TestPlaneOptions } from '../../../agents/index.ts'
import { createSignalbox } from '../../../engine/index.ts'
import { HEALTH_HEALTHY, HEALTH_UNHEALTHY, HEALTH_UNKNOWN } from '../../../engine/writer.ts'

const HEALTHY = { row: 0, generation: 1, id: 'a', health: HEALTH_HEALTHY }

/** What is told at each of these moments, in ms, of an endpoint that is ejected or fails so often. */
function toldAt(looks: readonly (readonly [ms: number, isEjected: boolean, share: number | undefined])[]): number[] {
  let episode: Episode | undefined
  return looks.flatMap(([ms, isEjected, share]) => {
    const seen = observe(episode, 'api', HEALTHY, isEjected, share, ms)
    episode = seen.episode
    return seen.directives.length > 0 ? [ms] : []
  })
}

test('worse() of active and passive counts, and what is unknown to checks is what requests say', () => {
  assert.equal(worse('healthy', 'unhealthy'), 'unhealthy')
  assert.equal(worse('unhealthy', 'healthy'), 'unhealthy')
  assert.equal(worse('healthy', 'degraded'), 'degraded')
  assert.equal(worse('unknown', 'degraded'), 'degraded')
  assert.equal(worse('healthy', 'unknown'), 'healthy')
  assert.deepEqual(
    [
      passiveVerdict(true, 0),
      passiveVerdict(false, 0.1),
      passiveVerdict(false, 0.09),
      passiveVerdict(false, undefined),
    ],
    ['unhealthy', 'degraded', 'healthy', 'unknown'],
  )
})

test('observe() tells a disagreement once: at once where it ejects, else when it lasts a second', () => {
  assert.deepEqual(
    toldAt([
      [0, true, undefined],
      [1_000, true, undefined],
    ]),
    [0],
  )
  assert.deepEqual(
    toldAt([
      [0, false, 0.12],
      [500, false, 0.12],
      [1_000, false, 0.12],
      [2_000, false, 0.12],
    ]),
    [1_000],
  )
  assert.deepEqual(
    toldAt([
      [0, false, 0.12],
      [500, false, 0.05],
      [1_000, false, 0.12],
    ]),
    [],
    'it did not last',
  )
})

test('observe() takes a disagreement for another one only when both have agreed for ten seconds', () => {
  assert.deepEqual(
    toldAt([
      [0, true, undefined],
      [5_000, false, 0],
      [9_000, true, undefined],
    ]),
    [0],
  )
  assert.deepEqual(
    toldAt([
      [0, true, undefined],
      [11_000, false, 0],
      [12_000, true, undefined],
    ]),
    [0, 12_000],
  )
})

test('observe() tells the other way round too, and says nothing where no check has ever looked', () => {
  const unhealthy = observe(undefined, 'api', { ...HEALTHY, health: HEALTH_UNHEALTHY }, false, 0, 0)
  const again = observe(unhealthy.episode, 'api', { ...HEALTHY, health: HEALTH_UNHEALTHY }, false, 0, 1_000)
  assert.match(JSON.stringify(again.directives), /checks fail, and 100 % of its requests go well/)
  assert.equal(observe(undefined, 'api', { ...HEALTHY, health: HEALTH_UNKNOWN }, true, 1, 0).episode, undefined)
})

test('ErrorShares looks back some ten seconds, and says nothing of fewer than twenty requests', () => {
  const shares = new ErrorShares()
  shares.add([{ row: 0, generation: 1, failed: 19, total: 19 }], 0)
  assert.equal(shares.of(HEALTHY, 0), undefined)
  shares.add([{ row: 0, generation: 1, failed: 1, total: 1 }], 0)
  assert.equal(shares.of(HEALTHY, 0), 1)
  assert.equal(shares.of({ row: 0, generation: 2 }, 0), undefined, 'another tenant')
  // A hundred good ones ten seconds later: of the old twenty 20 × 0.9¹⁰ = 7 still count.
  shares.add([{ row: 0, generation: 1, failed: 0, total: 100 }], 10_000)
  assert.ok(Math.abs(shares.of(HEALTHY, 10_000)! - 6.97 / 106.97) < 0.001)
  shares.keepOnly(new Set())
  assert.equal(shares.of(HEALTHY, 10_000), undefined)
})

test('an endpoint whose checks pass while three in ten of its requests fail is ejected within a second, and that is an alert (F3)', async t => {
  const CONFIG = {
    services: {
      api: {
        policy: 'round-robin' as const,
        healthCheck: { path: '/healthz', interval: '1s', timeout: '500ms' },
        endpoints: ['a', 'b', 'c', 'd'].map((id, i) => ({ id, url: `http://127.0.0.1:${i + 1}` })),
      },
    },
  }
  const check: NonNullable<TestPlaneOptions['actions']>[string] = async ({ row, generation, round }, edge) => {
    await new Promise<void>(resolve => edge.later(3, resolve))
    return { row, generation, round, verdict: 'passed', reason: '200', isLate: false, tookMs: 3 }
  }
  const plane = createTestControlPlane({ actions: { 'check-endpoint': check } })
  const box = await createSignalbox(CONFIG, { control: plane, log: () => {} })
  t.after(() => box.close())
  const router = box.router('api')
  let [sent, isIll] = [0, false]
  /** A thousand requests a second, ten at a time; of those to `b` three in ten fail, in no order, once it is ill. */
  const send = async (ms: number, until: () => boolean): Promise<number> => {
    for (let passed = 0; passed < ms; passed += 10) {
      for (let i = 0; i < 10; i++) {
        const ticket = router.pick()
        const { id } = router.endpoint(ticket)
        const fails = isIll && id === 'b' && (sent++ * 7) % 10 < 3
        router.settle(ticket, fails ? 'error' : 'ok', 1_000)
      }
      await plane.advance(10)
      if (until()) return passed + 10
    }
    return Number.POSITIVE_INFINITY
  }
  const isOut = (): boolean => !box.explain('api').endpoints.find(({ id }) => id === 'b')!.isPickable
  const told = (type: string): { data: Record<string, unknown> }[] =>
    plane.journal.about('api/b').filter(signal => signal.type === type) as never
  assert.equal(await send(5_550, isOut), Number.POSITIVE_INFINITY, 'as long as all is well')
  isIll = true
  const tookMs = await send(3_000, isOut)
  t.diagnostic(`ejected after ${tookMs} ms`)
  assert.ok(tookMs <= 1_000, `${tookMs} ms`)
  assert.equal(told('signalbox.endpoint.ejected')[0]!.data.because, 'burst')
  await plane.advance(3_000)
  const [alert, ...more] = told('signalbox.health.alerted').filter(
    ({ data }) => data.rule === 'differential-observability',
  )
  assert.equal(alert!.data.severity, 'warning')
  assert.deepEqual(more, [], 'once')
  const [observed] = told('signalbox.endpoint.differential-observability')
  assert.deepEqual([observed!.data.active, observed!.data.passive], ['healthy', 'unhealthy'])
})
