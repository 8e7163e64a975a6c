import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { QUARANTINED } from '../../engine/memory/bars.ts'
import { readClock } from '../../engine/memory/clock.ts'
import type { Taker } from '../../engine/proxy/upstreams/link.ts'
import type { Supply } from '../../engine/proxy/upstreams/supply.ts'
import { eventually } from '../support/eventually.ts'
import { frontHere } from './front-here.ts'
import { type Rig, startOrigin, startRig } from './rig.ts'

/** An origin that answers nobody but who asks for another path, and a proxy before it that asks it first. */
async function startWaiting(
  t: TestContext,
): Promise<{ rig: Rig; waited: () => number; configOf: (more: object) => object }> {
  const silent = await startOrigin(request => void request.resume())
  const other = await startOrigin((_, response) => response.end('other'))
  const service = { policy: 'round-robin', retry: { attempts: 1 } }
  const configOf = (more: object) => ({
    listen: '127.0.0.1:0',
    workers: 1,
    services: {
      api: {
        ...service,
        endpoints: [
          { id: 'e0', url: silent.url },
          { id: 'e1', url: other.url },
        ],
        ...more,
      },
    },
  })
  const rig = await startRig([silent.url, other.url], { service })
  t.after(async () => {
    await rig.close()
    await Promise.all([silent.close(), other.close()])
  })
  const { tally, region } = rig.box.attachment
  return { rig, configOf, waited: () => tally.waitedMs(0, readClock(region)) }
}

/** Asks until one of the requests waits at the silent endpoint; its answer is the last one. */
async function waitThere({ url }: Rig, waited: () => number): Promise<Promise<string>[]> {
  const answers: Promise<string>[] = []
  await eventually('one waits', async () => {
    if (waited() > 0) return true
    const answer = fetch(url).then(got => got.text())
    answers.push(answer)
    await Promise.race([answer, eventually('it waits', () => waited() > 0)]).catch(() => {})
    return waited() > 0
  })
  return answers
}

describe('requests at an endpoint that is connected to otherwise now', () => {
  it('go on telling how long they wait, until they are over', async t => {
    const { rig, configOf, waited } = await startWaiting(t)
    const answers = await waitThere(rig, waited)
    await rig.box.reload(configOf({ timeouts: { firstByte: '60s' } }) as never)
    // Longer than all that is told of before the reload.
    const before = waited()
    await eventually('it still tells', () => waited() > Math.max(before, 0) + 200)
    // Taken out, it is asked elsewhere.
    rig.box.service('api').quarantine('e0')
    assert.equal(await answers.at(-1), 'other')
    await eventually('nothing waits', () => waited() === -1)
  })

  it('do so too where the endpoint was removed', async t => {
    const { rig, waited } = await startWaiting(t)
    for (const answer of await waitThere(rig, waited)) answer.catch(() => {})
    rig.box.service('api').remove('e0')
    // The proxy looks for endpoints that have left once a second.
    await eventually('it still tells', () => waited() > 1500)
  })
})

describe('Upstreams', () => {
  it('rescues what waits at an upstream whose row has another endpoint object', async t => {
    const silent = await startOrigin(request => void request.resume())
    t.after(() => silent.close())
    const { front, attachment } = await frontHere(t, silent.url)
    const supply = front.rules.supplies.get('api') as Supply
    const endpoint = attachment.endpoint(0)
    let rescues = 0
    const taker: Taker = {
      waitsSince: performance.now(),
      rescue: () => void rescues++,
      onMoved: () => {},
      onSent: () => {},
      onHead: () => {},
      onUpgrade: () => {},
      onPiece: () => true,
      onWhole: () => {},
      onBroken: () => {},
    }
    const { upstreams } = front
    const link = upstreams.of(endpoint, supply).take(taker, false)
    assert.ok(link)
    upstreams.of({ ...endpoint }, supply)
    attachment.endpoints.setBar(0, QUARANTINED, true)
    upstreams.rescue()
    assert.equal(rescues, 1)
    link.drop()
    upstreams.sweep()
    upstreams.rescue()
    assert.equal(rescues, 1, 'it has left')
  })
})
