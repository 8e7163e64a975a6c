import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CheckParams, checkEndpoint } from '../../../agents/health-monitor/actions.ts'
import { healthMonitor } from '../../../agents/health-monitor/agent.ts'
import type { Checked } from '../../../agents/health-monitor/signals.ts'
import { EJECTED, elapsedMs, HEALTH_HEALTHY, HEALTH_UNHEALTHY, UNHEALTHY } from '../../../engine/writer.ts'
import { Stage } from '../stage.ts'

const HEALTH_CHECK = { path: '/up', interval: '1s', timeout: '500ms', unhealthyAfter: 2, healthyAfter: 2 }

/** A stage whose endpoints answer as `verdicts` says at that moment (passed when it says nothing), in 3 ms. */
function stage(ids: string[], service: object = { healthCheck: HEALTH_CHECK }) {
  const verdicts: Record<string, Checked['verdict']> = {}
  const asked: (CheckParams & { atMs: number })[] = []
  const fake = {
    ...checkEndpoint,
    run: (params: CheckParams): Checked => {
      asked.push({ ...params, atMs: elapsedMs(world.clock.now(), world.bootMs) })
      const id = world.service.endpoints.find(({ row }) => row === params.row)?.id ?? ''
      const { row, generation, round } = params
      return { row, generation, round, verdict: verdicts[id] ?? 'passed', reason: 'as told', isLate: false, tookMs: 3 }
    },
  }
  const world = new Stage(healthMonitor, service, ids, [fake])
  return { world, verdicts, asked }
}

test('health monitor checks every endpoint at once, then every interval ± 10 %', async () => {
  const { world, asked } = stage(['a', 'b'])
  world.start()
  await world.advance(1)
  assert.deepEqual(
    asked.map(({ url, path, timeoutMs }) => ({ url, path, timeoutMs })),
    [
      { url: 'http://a.test:80', path: '/up', timeoutMs: 500 },
      { url: 'http://b.test:80', path: '/up', timeoutMs: 500 },
    ],
  )
  await world.advance(20_000)
  const moments = asked.filter(({ url }) => url === 'http://a.test:80').map(({ atMs }) => atMs)
  // 20 s at 900 to 1,100 ms apart (the fake's 3 ms are taken off the wait, but no virtual time passes in it; timers end
  // on whole ms): 18 to 22 checks besides the first.
  assert.ok(moments.length >= 19 && moments.length <= 23, `${moments.length} checks`)
  moments.slice(1).forEach((at, i) => {
    const gap = at - moments[i]!
    assert.ok(gap >= 896 && gap <= 1098, `${gap} ms between two checks`)
  })
})

test('health monitor bars an endpoint after unhealthyAfter failed checks, and says so', async () => {
  const { world, verdicts } = stage(['a', 'b'])
  world.start()
  await world.advance(10)
  assert.equal(world.row('a').health, HEALTH_HEALTHY)
  assert.equal(world.row('a').healthySinceMs, world.row('a').joinedMs, 'a first passed check is no return')
  verdicts.a = 'failed'
  await world.advance(1_100)
  assert.equal(world.row('a').bars, 0, 'one failed check is an accident')
  await world.advance(1_100)
  assert.equal(world.row('a').bars, UNHEALTHY)
  assert.equal(world.row('a').health, HEALTH_UNHEALTHY)
  assert.equal(world.row('b').bars, 0)
  assert.deepEqual(world.said, [
    'endpoint.health-changed api/a',
    'endpoint.health-changed api/b',
    'endpoint.health-changed api/a',
  ])
  assert.deepEqual(world.sent[2]!.data, {
    row: 0,
    generation: 1,
    service: 'api',
    id: 'a',
    from: 'healthy',
    to: 'unhealthy',
    reason: 'as told',
  })
})

test('health monitor asks an unhealthy endpoint four times as often, and notes when it came back', async () => {
  const { world, verdicts } = stage(['a', 'b'])
  verdicts.a = 'failed'
  world.start()
  await world.advance(1_200)
  assert.equal(world.row('a').bars, UNHEALTHY)
  verdicts.a = 'passed'
  const since = world.clock.now()
  // The next one at 250 ms ± 10 %, and 50 ms ± 10 % later the one that confirms it.
  await world.advance(330)
  assert.equal(world.row('a').bars, 0)
  assert.equal(world.row('a').health, HEALTH_HEALTHY)
  const back = elapsedMs(world.row('a').healthySinceMs, since)
  assert.ok(back >= 42 && back <= 330, `back after ${back} ms`)
})

test('health monitor asks an endpoint that was ejected within 100 ms, goes on four times as often, and tells what it said', async () => {
  const { world, verdicts, asked } = stage(['a', 'b'], { healthCheck: { ...HEALTH_CHECK, interval: '1h' } })
  world.start()
  await world.advance(150)
  const told = (): unknown[] =>
    world.sent.filter(({ type }) => type === 'signalbox.endpoint.ejected-checked').map(({ data }) => data)
  assert.equal(asked.length, 2)
  assert.deepEqual(told(), [], 'nobody is out')
  world.row('a').bars = EJECTED
  verdicts.a = 'failed'
  await world.advance(101)
  assert.equal(asked.length, 3)
  const { row, generation } = world.row('a')
  assert.deepEqual(told(), [{ row, generation, service: 'api', id: 'a', hasPassed: false, isLate: false }])
  world.row('a').bars = 0
  await world.advance(101)
  verdicts.a = 'passed'
  // An hour ± 10 % is a quarter of it while the endpoint is out: it was taken in again before that.
  await world.advance(3_600_000 * 1.1, 1000)
  assert.equal(told().length, 1)
})

test('health monitor checks an endpoint that was added within 100 ms, and asks a removed one no more', async () => {
  const { world, asked } = stage(['a'])
  world.start()
  await world.advance(5)
  world.add('late')
  await world.advance(100)
  assert.equal(asked.filter(({ url }) => url.includes('late')).length, 1)
  world.remove('late')
  await world.advance(5_000)
  assert.equal(asked.filter(({ url }) => url.includes('late')).length, 1)
})

test('health monitor takes nothing that was said of the former tenant of a row', async () => {
  const { world, verdicts } = stage(['a', 'b'])
  verdicts.a = 'failed'
  world.start()
  await world.advance(5)
  const { row } = world.row('a')
  world.remove('a')
  world.add('c', { row })
  await world.advance(2_000)
  assert.equal(world.row('c').bars, 0, 'the failed check of a and its own passed ones are not mixed up')
  assert.equal(world.row('c').health, HEALTH_HEALTHY)
})

test('health monitor writes nothing in a service without healthCheck', async () => {
  const { world, asked } = stage(['a', 'b'], {})
  world.start()
  await world.advance(3_000)
  assert.equal(asked.length, 0)
  assert.equal(world.writes.length, 0)
})

test('health monitor restarted goes on from the tables: what is barred stays so until checks pass', async () => {
  const { world, verdicts } = stage(['a', 'b'])
  verdicts.a = 'failed'
  world.start()
  await world.advance(1_200)
  const writes = world.writes.length
  const before = world.sent.length
  world.start()
  await world.advance(1_000)
  assert.equal(world.writes.length, writes, 'nothing has changed, so nothing is written')
  const changes = world.sent.slice(before).filter(({ type }) => type === 'signalbox.endpoint.health-changed')
  const told = changes.map(({ subject, data }) => {
    const { from, to } = data as { from: string; to: string }
    return `${subject} ${from} ${to}`
  })
  assert.deepEqual(told, ['api/a unknown unhealthy'], 'its skills have forgotten, and hear of it again')
  verdicts.a = 'passed'
  await world.advance(600)
  assert.equal(world.row('a').bars, 0)
})

test('health monitor restarted without healthCheck lifts the bar of its predecessor', async () => {
  const { world } = stage(['a', 'b'], {})
  world.row('a').bars = UNHEALTHY
  world.row('a').health = HEALTH_UNHEALTHY
  world.start()
  assert.equal(world.row('a').bars, 0)
  assert.equal(world.row('a').health, 0)
})

test('health monitor goes on with another config: verdicts stay, and other checks begin at once, in one chain', async () => {
  const hourly = { ...HEALTH_CHECK, interval: '1h', unhealthyAfter: 1 }
  const { world, verdicts, asked } = stage(['a'], { healthCheck: hourly })
  verdicts.a = 'failed'
  world.start()
  await world.advance(5_000, 10)
  assert.equal(world.row('a').bars, UNHEALTHY)
  const before = asked.length
  world.reload({ healthCheck: hourly })
  await world.advance(500, 10)
  assert.equal(asked.length, before, 'the same checks wait for their time')
  world.reload({ healthCheck: { ...HEALTH_CHECK, path: '/ready', interval: '100s' } })
  assert.equal(world.row('a').bars, UNHEALTHY, 'until a check of the new kind says otherwise')
  verdicts.a = 'passed'
  await world.advance(100_000, 10)
  assert.equal(world.row('a').bars, 0)
  assert.deepEqual(new Set(asked.slice(before).map(({ path }) => path)), new Set(['/ready']))
  const later = asked.length
  await world.advance(3_600_000 - 105_000 + 1_000_000, 1000)
  // Every 100 s ± 10 % for 4,495 s: 41 to 50 times. The old chain, due within the hour, would come on top.
  const more = asked.length - later
  assert.ok(more >= 40 && more <= 51, `${more} checks`)
})

test('health monitor convicts nobody while checks of several endpoints come to nothing, in whatever order', async () => {
  const { world, verdicts } = stage(['a', 'b'])
  world.start()
  await world.advance(10)
  verdicts.a = verdicts.b = 'void'
  // A hundred of each, a tenth of an interval apart from one to the next at random.
  await world.advance(100_000, 10)
  assert.deepEqual([world.row('a').bars, world.row('b').bars], [0, 0])
  verdicts.b = 'passed'
  await world.advance(10_000, 10)
  assert.deepEqual(
    [world.row('a').bars, world.row('b').bars],
    [UNHEALTHY, 0],
    'in checks of one alone it may be that one',
  )
})

test('health monitor tells of an endpoint that is gone, also where another has its row or its name', async () => {
  const { world } = stage(['a', 'b', 'c'])
  world.start()
  await world.advance(150)
  const told = (): unknown[] =>
    world.sent.filter(({ type }) => type === 'signalbox.endpoint.unwatched').map(({ data }) => data)
  assert.deepEqual(told(), [])
  const [a, b] = [world.row('a'), world.row('b')]
  world.remove('a')
  world.remove('b')
  world.add('a', { row: b.row })
  await world.advance(101)
  const gone = [a, b].map(({ row, generation, id }) => ({ row, generation, service: 'api', id }))
  assert.deepEqual(told(), gone)
  assert.equal(world.said.at(-1), 'endpoint.health-changed api/a', 'what is said of the new one comes after that')
  await world.advance(1_000)
  assert.deepEqual(told(), gone, 'once')
})

test('health monitor tells of an endpoint that is gone from a service without healthCheck too', async () => {
  const { world } = stage(['a', 'b'], {})
  world.start()
  await world.advance(150)
  world.remove('a')
  await world.advance(101)
  assert.deepEqual(world.said, ['endpoint.unwatched api/a'])
})

test('health monitor tells that nothing is known any more of whom it barred, when checks are taken from the config', async () => {
  const { world, verdicts } = stage(['a', 'b'])
  verdicts.a = 'failed'
  world.start()
  await world.advance(2_000)
  assert.equal(world.row('a').bars, UNHEALTHY)
  const before = world.sent.length
  world.reload({})
  await world.advance(1_000)
  const changes = world.sent.slice(before).map(({ type, subject, data }) => {
    const { from, to } = data as { from: string; to: string }
    return `${type} ${subject} ${from} ${to}`
  })
  assert.deepEqual(changes, [
    'signalbox.endpoint.health-changed api/a unhealthy unknown',
    'signalbox.endpoint.health-changed api/b healthy unknown',
  ])
})

test('health monitor lets go of a service that is not checked any more, and takes it up again', async () => {
  const { world, verdicts, asked } = stage(['a'])
  verdicts.a = 'failed'
  world.start()
  await world.advance(10_000, 10)
  assert.equal(world.row('a').bars, UNHEALTHY)
  world.reload({})
  await world.advance(200, 10)
  assert.equal(world.row('a').bars, 0)
  const before = asked.length
  world.reload(undefined)
  world.reload({ healthCheck: HEALTH_CHECK })
  await world.advance(10_000, 10)
  assert.ok(asked.length > before)
  assert.equal(world.row('a').bars, UNHEALTHY)
})

test('health monitor looks at the tables where they have changed, and not ten times a second', async () => {
  const { world } = stage(['a', 'b'])
  let looks = 0
  world.onLook = () => void looks++
  const looksWithin = async (ms: number): Promise<number> => {
    looks = 0
    await world.advance(ms)
    return looks
  }
  world.start()
  await looksWithin(20_000)
  // Those of what it has mounted: it learns in windows of ten seconds.
  assert.ok((await looksWithin(20_000)) <= 6, `${looks} looks in 20 s`)
  world.row('a').bars |= EJECTED
  assert.ok((await looksWithin(110)) >= 1, 'it has been seen')
})
