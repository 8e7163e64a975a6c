import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { type Dispatcher, interceptors, RetryAgent, request } from 'undici'
import {
  deadOrigin,
  named,
  type Origin,
  type Rig,
  reports,
  settled,
  startOrigin,
  startRawOrigin,
  startRig,
} from './rig.ts'

const QUICK = { minTimeout: 1, maxTimeout: 2 }

/** Interceptors of undici's around a dispatcher that picks: every try is a pick, and avoids what the request failed at. */
describe('RoutedDispatcher under interceptors', () => {
  let rig: Rig
  afterEach(() => rig.close())

  /** Six requests to a bad endpoint of weight 100 and a good one of weight 1: without avoidance nearly all tries go wrong. */
  async function allSucceed(bad: Origin, around: (dispatcher: Dispatcher) => Dispatcher): Promise<void> {
    rig = await startRig([bad, await named('good')], { policy: 'weighted-round-robin' })
    rig.box.service('api').setWeight('e0', 100)
    const dispatcher = around(rig.dispatcher)
    for (let i = 0; i < 6; i++) {
      assert.equal(await (await request(`http://127.0.0.1/${i}`, { dispatcher })).body.text(), 'good')
    }
    // Each request fails at the bad endpoint at most once. One in 101 turns is the good one's, so five or six do.
    const counts = await settled(rig.box)
    assert.equal((counts.error ?? 0) + (counts.ok ?? 0), 6 + reports(rig.box)[0].totals.picked)
    assert.ok([5, 6].includes(reports(rig.box)[0].totals.picked))
  }

  const { retry, redirect, cache, decompress, dns, dump } = interceptors
  const orders: Record<string, Dispatcher.DispatcherComposeInterceptor[]> = {
    retry: [retry(QUICK)],
    'retry, redirect': [retry(QUICK), redirect({ maxRedirections: 3 })],
    'redirect, retry': [redirect({ maxRedirections: 3 }), retry(QUICK)],
    'cache, retry': [cache(), retry(QUICK)],
    'dns, retry': [dns(), retry(QUICK)],
    'retry, dns': [retry(QUICK), dns()],
    'decompress, retry, cache': [decompress(), retry(QUICK), cache()],
  }
  for (const [order, composed] of Object.entries(orders)) {
    test(`compose(${order}): a second try goes elsewhere after a refused connection`, async () => {
      await allSucceed(await deadOrigin(), dispatcher => dispatcher.compose(composed))
    })
  }

  test('a second try goes elsewhere after a 503, a 429 and a cut connection', async () => {
    for (const bad of [
      await named('bad', 503),
      await named('bad', 429),
      await startRawOrigin(socket => void socket.once('data', () => socket.destroy())),
    ]) {
      await allSucceed(bad, dispatcher => dispatcher.compose(retry(QUICK)))
      await rig.close()
    }
  })

  test('a RetryAgent around it goes elsewhere too', async () => {
    await allSucceed(await deadOrigin(), dispatcher => new RetryAgent(dispatcher, QUICK))
  })

  test('a session goes along with a second try that succeeds elsewhere, and stays where all fail', async () => {
    const policy = { name: 'sticky', within: 'round-robin' }
    rig = await startRig([await deadOrigin(), await named('good')], { policy, hash: () => 'ann' })
    const dispatcher = rig.dispatcher.compose(retry(QUICK))
    const ask = async (): Promise<string> => (await request('http://api/', { dispatcher })).body.text()
    for (let i = 0; i < 3; i++) assert.equal(await ask(), 'good')
    assert.equal(reports(rig.box)[0].totals.picked, 1, 'its session was there for the first try alone')
    await rig.close()

    const status = { now: 200 }
    const changing = (name: string) =>
      startOrigin((_, response) => {
        response.statusCode = status.now
        response.end(name)
      })
    rig = await startRig([await changing('a'), await changing('b')], { policy, hash: () => 'ann' })
    const again = rig.dispatcher.compose(retry({ ...QUICK, maxRetries: 1, statusCodes: [503] }))
    const who = async (): Promise<string> => (await request('http://api/', { dispatcher: again })).body.text()
    const home = await who()
    status.now = 503
    await who().catch(() => {})
    status.now = 200
    assert.equal(await who(), home)
  })

  test('when all have been tried, it begins another round', async () => {
    let asked = 0
    const origin = () =>
      startOrigin((_, response) => void response.writeHead(++asked < 6 ? 503 : 200).end(String(asked)))
    rig = await startRig([await origin(), await origin()], { policy: 'weighted-round-robin' })
    rig.box.service('api').setWeight('e0', 100)
    const dispatcher = rig.dispatcher.compose(retry({ ...QUICK, maxRetries: 8 }))
    assert.equal(await (await request('http://api/', { dispatcher })).body.text(), '6')
    assert.deepEqual(await settled(rig.box), { ok: 1, error: 5 })
    // Three rounds of two: however heavy the first is, each is asked once a round.
    assert.deepEqual(
      reports(rig.box).map(({ totals }) => totals.picked),
      [3, 3],
    )
  })

  test('what one request failed at is not held against the next', async () => {
    rig = await startRig([await named('bad', 503), await named('good')])
    const { dispatcher } = rig
    const options = { path: '/', method: 'GET' } as const
    const statuses: number[] = []
    for (let i = 0; i < 8; i++) {
      const { statusCode, body } = await dispatcher.request(options)
      await body.dump()
      statuses.push(statusCode)
    }
    assert.equal(statuses.filter(status => status === 503).length, 4)
  })

  test('a handler that serves many requests avoids what failed no longer than to its first success', async () => {
    rig = await startRig([await named('bad', 503), await named('good')])
    const statuses: number[] = []
    let done = (): void => {}
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => {},
      onResponseStart: (_, status) => void statuses.push(status),
      onResponseData: () => {},
      onResponseEnd: () => done(),
      onResponseError: (_, error) => assert.ifError(error),
    }
    for (let i = 0; i < 12; i++) {
      await new Promise<void>(resolve => {
        done = resolve
        rig.dispatcher.dispatch({ path: '/', method: 'GET' }, handler)
      })
    }
    assert.ok(statuses.filter(status => status === 503).length >= 4, String(statuses))
  })

  test('a retry begins with SBX_NO_ENDPOINT only where it is asked for', async () => {
    rig = await startRig([await named('a')])
    const live = rig.box.service('api')
    live.quarantine('e0')
    const plain = rig.dispatcher.compose(retry(QUICK))
    await assert.rejects(request('http://api/', { dispatcher: plain }), { code: 'SBX_NO_ENDPOINT' })
    const patient = rig.dispatcher.compose(
      retry({ ...QUICK, maxRetries: 100, errorCodes: ['SBX_NO_ENDPOINT'], maxTimeout: 10 }),
    )
    const answer = request('http://api/', { dispatcher: patient })
    setTimeout(() => live.release('e0'), 5)
    assert.equal(await (await answer).body.text(), 'a')
  })

  test('the cache answers in place of the endpoints', async () => {
    let asked = 0
    const origin = await startOrigin((_, response) => {
      response.setHeader('cache-control', 'max-age=60')
      response.end(String(++asked))
    })
    rig = await startRig([origin])
    const dispatcher = rig.dispatcher.compose(cache())
    for (let i = 0; i < 3; i++) {
      assert.equal(await (await request('http://api/', { dispatcher })).body.text(), '1')
    }
    assert.deepEqual(await settled(rig.box), { ok: 1 })
  })

  test('a redirect is followed by a pick of its own', async () => {
    const origin = await startOrigin(({ url }, response) => {
      if (url === '/here') response.end('here')
      else response.writeHead(302, { location: '/here' }).end()
    })
    rig = await startRig([origin])
    const dispatcher = rig.dispatcher.compose(redirect({ maxRedirections: 2 }))
    assert.equal(await (await request('http://api/there', { dispatcher })).body.text(), 'here')
    assert.deepEqual(await settled(rig.box), { ok: 2 })
  })

  test('a composed dispatcher composes again, has the events, and ends with the one it stands before', async () => {
    rig = await startRig([await deadOrigin(), await named('good')])
    const outer = rig.dispatcher.compose(retry(QUICK)).compose(dump())
    let connects = 0
    outer.on('connect', () => void connects++)
    await (await request('http://api/', { dispatcher: outer })).body.dump()
    assert.equal(connects, 1)
    await outer.close()
    assert.equal(rig.dispatcher.closed, true)
    assert.equal((outer as unknown as { destroyed: boolean }).destroyed, true)
  })
})
