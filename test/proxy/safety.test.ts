import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { deadUrl, exchangeRaw, head, inflight, type Origin, startOrigin, startRawOrigin, startRig } from './rig.ts'

/** An origin that answers when it is told to. */
async function holdingOrigin(): Promise<Origin & { held: () => number; release: () => void }> {
  const waiting: (() => void)[] = []
  const origin = await startOrigin((_, response) => void waiting.push(() => response.end('ok')))
  return { ...origin, held: () => waiting.length, release: () => waiting.splice(0).forEach(answer => void answer()) }
}

async function refusal(url: string): Promise<[number, string | null, string | null]> {
  const { status, headers } = await fetch(url)
  return [status, headers.get('x-signalbox-reason'), headers.get('retry-after')]
}

describe('the proxy answers 503 with a reason', () => {
  it('overloaded, when every endpoint has as many requests as it may, and takes more when one is over', async () => {
    const origin = await holdingOrigin()
    const rig = await startRig([origin.url], { service: { limits: { endpointRequests: 1 } } })
    const first = fetch(rig.url)
    await eventually('it is asked', () => origin.held() === 1)
    assert.deepEqual(await refusal(rig.url), [503, 'overloaded', '1'])
    origin.release()
    assert.equal((await first).status, 200)
    const next = fetch(rig.url)
    await eventually('it is asked', () => origin.held() === 1)
    origin.release()
    assert.equal((await next).status, 200)
    await rig.close()
    await origin.close()
  })

  it('overloaded, when the service may have no more connections', async () => {
    const origin = await holdingOrigin()
    const rig = await startRig([origin.url], { service: { limits: { connections: 1 } } })
    const first = fetch(rig.url)
    await eventually('it is asked', () => origin.held() === 1)
    assert.equal(rig.box.explain('api').connections, 1)
    assert.deepEqual(await refusal(rig.url), [503, 'overloaded', '1'])
    assert.equal(inflight(rig.box), 1, 'the refused one holds nothing')
    origin.release()
    await first
    const next = fetch(rig.url)
    await eventually('it is asked', () => origin.held() === 1)
    origin.release()
    assert.equal((await next).status, 200, 'on the connection that is there')
    await rig.close()
    await origin.close()
  })

  it('breaker-open, when failures in a row have opened it, and sends nothing meanwhile', async () => {
    let asked = 0
    const origin = await startOrigin((_, response) => {
      asked++
      response.writeHead(500).end()
    })
    const breaker = { consecutiveFailures: 3, errorRate: '0%', openFor: '1h', maxOpenFor: '1h' }
    const rig = await startRig([origin.url], { service: { breaker } })
    for (let i = 0; i < 3; i++) assert.equal((await fetch(rig.url)).status, 500)
    assert.deepEqual(await refusal(rig.url), [503, 'breaker-open', '1'])
    assert.equal(asked, 3)
    assert.match(rig.box.explain('api').endpoints[0].why, /^not picked: its breaker is open for another \d+ ms$/)
    await rig.close()
    await origin.close()
  })

  it('shed, when its route is of a class that is turned away', async () => {
    const origin = await startOrigin((_, response) => response.end('ok'))
    const rig = await startRig([origin.url], {
      routes: [
        { match: { path: '/batch/' }, service: 'api', class: 'sheddable' },
        { match: { path: '/' }, service: 'api' },
      ],
    })
    rig.box.service('api').shed('sheddable-plus')
    assert.deepEqual(await refusal(`${rig.url}/batch/1`), [503, 'shed', '1'])
    assert.equal((await fetch(`${rig.url}/page`)).status, 200)
    rig.box.service('api').shed(null)
    assert.equal((await fetch(`${rig.url}/batch/1`)).status, 200)
    await rig.close()
    await origin.close()
  })
})

describe('routes', () => {
  it('lead to the endpoints that have the metadata they name', async () => {
    const origins = await Promise.all(['v1', 'v2'].map(text => startOrigin((_, response) => response.end(text))))
    const rig = await startRig([], {
      service: { endpoints: origins.map(({ url }, i) => ({ url, metadata: { version: `v${i + 1}` } })) },
      routes: [
        { match: { path: '/old/' }, service: 'api', subset: { version: 'v1' } },
        { match: { path: '/none/' }, service: 'api', subset: { version: 'v9' } },
        { match: { path: '/any/' }, service: 'api', subset: { version: 'v9' }, subsetFallback: 'any' },
        { service: 'api', subset: { version: 'v2' } },
      ],
    })
    const texts = async (path: string): Promise<string[]> => {
      const seen = new Set<string>()
      for (let i = 0; i < 6; i++) seen.add(await (await fetch(`${rig.url}${path}`)).text())
      return [...seen].sort()
    }
    assert.deepEqual(await texts('/old/x'), ['v1'])
    assert.deepEqual(await texts('/new'), ['v2'])
    assert.deepEqual(await texts('/any/x'), ['v1', 'v2'])
    assert.equal((await fetch(`${rig.url}/none/x`)).status, 503)
    await rig.close()
    await Promise.all(origins.map(origin => origin.close()))
  })
})

describe('the budget of retries', () => {
  it('bounds second tries that are under way, and is free again when they are over', async () => {
    const answers: (() => void)[] = []
    const good = await startRawOrigin(socket => {
      answers.push(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    })
    const rig = await startRig([await deadUrl(), good.url], {
      service: { policy: 'round-robin', retry: { attempts: 1, budget: '0%', budgetMin: 1 } },
    })
    // Turns: the dead one, and its second try at the good one, which holds the only place; the dead one, the good one, the dead one.
    // Each is where it will stay before the next is sent: held by the good one, or refused.
    const sent: Promise<string>[] = []
    let refused = 0
    for (let i = 0; i < 4; i++) {
      sent.push(exchangeRaw(rig.port, head('/')))
      void sent[i].then(() => refused++)
      await eventually('it is held or refused', () => answers.length + refused === i + 1)
    }
    assert.equal(answers.length, 2)
    assert.equal(rig.box.explain('api').retries, 1)
    answers.splice(0).forEach(answer => void answer())
    const statuses = (await Promise.all(sent)).map(text => text.slice(9, 12)).sort()
    assert.deepEqual(statuses, ['200', '200', '502', '502'])
    assert.equal(rig.box.explain('api').retries, 0)
    await rig.close()
    await good.close()
  })
})
