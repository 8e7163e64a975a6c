import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { interceptors } from 'undici'
import { type Box, CLASS, type ConfigInput, createSignalbox } from '../../engine/index.ts'
import { RoutedDispatcher, type RoutedDispatcherOptions } from '../../engine/undici.ts'
import { type Origin, startOrigin } from './rig.ts'

type Service = ConfigInput['services'][string]

async function world(origins: Origin[], service: Service, options: RoutedDispatcherOptions = {}) {
  const endpoints = service.endpoints ?? origins.map(({ url }, i) => ({ id: `e${i}`, url }))
  const box = await createSignalbox({ services: { api: { policy: 'round-robin', ...service, endpoints } } })
  const dispatcher = new RoutedDispatcher(box, 'api', options)
  const close = async (): Promise<void> => {
    await dispatcher.destroy()
    await box.close()
    await Promise.all(origins.map(origin => origin.close()))
  }
  return { box, dispatcher, close }
}

const get = (dispatcher: RoutedDispatcher) => dispatcher.request({ origin: 'http://api', path: '/', method: 'GET' })

async function codeOf(dispatcher: RoutedDispatcher): Promise<string> {
  return get(dispatcher).then(
    () => 'answered',
    (error: { code: string }) => error.code,
  )
}

function inflight(box: Box): number {
  return box.explain('api').inflight
}

describe('a dispatcher says why it sends nothing', () => {
  it('SBX_OVERLOADED at the limit of the service or of its endpoints', async () => {
    for (const limits of [{ requests: 1 }, { endpointRequests: 1 }]) {
      const answers: (() => void)[] = []
      const origin = await startOrigin((_, response) => void answers.push(() => response.end('ok')))
      const { box, dispatcher, close } = await world([origin], { limits })
      const first = get(dispatcher)
      assert.equal(await codeOf(dispatcher), 'SBX_OVERLOADED')
      assert.equal(inflight(box), 1)
      while (answers.length === 0) await new Promise(resolve => setImmediate(resolve))
      answers[0]()
      await (await first).body.text()
      assert.equal(inflight(box), 0)
      await close()
    }
  })

  it('SBX_BREAKER_OPEN where failures opened the breakers of all', async () => {
    const origin = await startOrigin((_, response) => void response.writeHead(500).end())
    const { dispatcher, close } = await world([origin], { breaker: { consecutiveFailures: 2 } })
    for (let i = 0; i < 2; i++) await (await get(dispatcher)).body.dump()
    assert.equal(await codeOf(dispatcher), 'SBX_BREAKER_OPEN')
    await close()
  })

  it('SBX_SHED where requests of its class are turned away', async () => {
    const origin = await startOrigin((_, response) => void response.end('ok'))
    const { box, dispatcher, close } = await world([origin], {}, { requestClass: CLASS.SHEDDABLE })
    box.service('api').shed('sheddable')
    assert.equal(await codeOf(dispatcher), 'SBX_SHED')
    box.service('api').shed(null)
    await (await get(dispatcher)).body.dump()
    await close()
  })

  it('SBX_RETRY_BUDGET_SPENT where too many second tries are under way', async () => {
    let asked = 0
    const origin = await startOrigin((_, response) => {
      asked++
      response.writeHead(503).end()
    })
    const { box, dispatcher, close } = await world([origin], { retry: { budget: '0%', budgetMin: 1 } })
    // Another request's second try holds the only place.
    assert.ok(box.router('api').tryRetry())
    const retrying = dispatcher.compose(interceptors.retry({ maxRetries: 2, minTimeout: 1, maxTimeout: 1 }))
    await assert.rejects(retrying.request({ origin: 'http://api', path: '/', method: 'GET' }), {
      code: 'SBX_RETRY_BUDGET_SPENT',
      message: 'Cannot retry at api: its budget of retries is spent, wait or raise retry.budget',
    })
    assert.equal(asked, 1)
    assert.equal(inflight(box), 0)
    box.router('api').endRetry()
    await assert.rejects(retrying.request({ origin: 'http://api', path: '/', method: 'GET' }))
    assert.equal(asked, 4, 'with room each try is made')
    assert.equal(box.explain('api').retries, 0)
    await close()
  })
})

describe('a dispatcher with a subset', () => {
  it('sends to the endpoints that have the metadata', async () => {
    const origins = await Promise.all(['v1', 'v2'].map(text => startOrigin((_, response) => void response.end(text))))
    const endpoints = origins.map(({ url }, i) => ({ url, metadata: { version: `v${i + 1}` } }))
    const { dispatcher, close } = await world(origins, { endpoints }, { subset: { version: 'v2' } })
    for (let i = 0; i < 4; i++) assert.equal(await (await get(dispatcher)).body.text(), 'v2')
    await close()
  })
})
