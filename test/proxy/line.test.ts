import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { exchangeRaw, head, inflight, type Rig, startOrigin, startRig } from './rig.ts'

/** An origin that answers one request at a time, when it is told to, with the path that was asked. */
async function turnOrigin() {
  const waiting: (() => void)[] = []
  const order: string[] = []
  const origin = await startOrigin((request, response) => {
    order.push(request.url ?? '')
    waiting.push(() => response.end(request.url))
  })
  return { ...origin, order, answer: () => waiting.shift()?.(), held: () => waiting.length }
}

const pending = (rig: Rig): number => rig.box.explain('api').pending

describe('limits.queueTimeout', () => {
  it('lets a request wait for the endpoint that is full, the dearer classes first', async () => {
    const origin = await turnOrigin()
    const rig = await startRig([origin.url], {
      service: { limits: { endpointRequests: 1, queueTimeout: '1h' } },
      routes: [
        { match: { path: '/batch' }, service: 'api', class: 'sheddable' },
        { match: { path: '/vip' }, service: 'api', class: 'critical-plus' },
        { service: 'api' },
      ],
    })
    const answers: Promise<string>[] = []
    for (const [i, path] of ['/first', '/batch', '/page', '/vip', '/page2'].entries()) {
      answers.push(fetch(rig.url + path).then(answer => answer.text()))
      await eventually('it is there', () => (i === 0 ? origin.held() === 1 : pending(rig) === i))
    }
    for (let i = 0; i < 5; i++) {
      await eventually('one is held', () => origin.held() === 1)
      origin.answer()
    }
    assert.deepEqual(await Promise.all(answers), ['/first', '/batch', '/page', '/vip', '/page2'])
    assert.deepEqual(origin.order, ['/first', '/vip', '/page', '/page2', '/batch'])
    assert.equal(pending(rig), 0)
    await rig.close()
    await origin.close()
  })

  it('is over at last: 503, and the endpoint never hears of it', async () => {
    const origin = await turnOrigin()
    const rig = await startRig([origin.url], { service: { limits: { endpointRequests: 1, queueTimeout: '50ms' } } })
    const first = fetch(rig.url)
    await eventually('it is held', () => origin.held() === 1)
    const second = await fetch(`${rig.url}/second`)
    assert.deepEqual(
      [second.status, second.headers.get('x-signalbox-reason'), second.headers.get('retry-after')],
      [503, 'queue-timeout', '1'],
    )
    origin.answer()
    assert.equal((await first).status, 200)
    assert.deepEqual(origin.order, ['/'])
    assert.equal(pending(rig), 0)
    await rig.close()
    await origin.close()
  })

  it('holds limits.pending requests and no more, and forgets who went away', async () => {
    const origin = await turnOrigin()
    const rig = await startRig([origin.url], { service: { limits: { requests: 1, pending: 1, queueTimeout: '1h' } } })
    const first = fetch(rig.url)
    await eventually('it is held', () => origin.held() === 1)
    const gone = exchangeRaw(rig.port, head('/gone'), { timeoutMs: 300 })
    await eventually('it waits', () => pending(rig) === 1)
    assert.equal((await fetch(rig.url)).headers.get('x-signalbox-reason'), 'overloaded')
    await gone
    await eventually('it waits no more', () => pending(rig) === 0)
    origin.answer()
    assert.equal((await first).status, 200)
    await eventually('nothing is in flight', () => inflight(rig.box) === 0)
    assert.deepEqual(origin.order, ['/'])
    await rig.close()
    await origin.close()
  })

  it('counts as waiting what finds no connection, and goes on with the one that falls free', async () => {
    const origin = await turnOrigin()
    const rig = await startRig([origin.url], { service: { limits: { connections: 1, queueTimeout: '1h' } } })
    const first = fetch(rig.url)
    await eventually('it is held', () => origin.held() === 1)
    const second = fetch(`${rig.url}/second`)
    await eventually('it waits', () => pending(rig) === 1)
    assert.equal(inflight(rig.box), 1)
    origin.answer()
    await first
    await eventually('it is held', () => origin.held() === 1)
    origin.answer()
    assert.equal(await (await second).text(), '/second')
    await rig.close()
    await origin.close()
  })

  it('sees room that another thread gave up', async () => {
    const origin = await turnOrigin()
    const rig = await startRig([origin.url], { service: { limits: { endpointRequests: 1, queueTimeout: '1h' } } })
    // The test's own thread holds the only place.
    const router = rig.box.router('api')
    const ticket = router.pick()
    const sent = fetch(rig.url)
    await eventually('it waits', () => pending(rig) === 1)
    router.settle(ticket, 'ok', 1)
    await eventually('it is held', () => origin.held() === 1)
    origin.answer()
    assert.equal((await sent).status, 200)
    await rig.close()
    await origin.close()
  })
})
