import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { deadUrl, inflight, startOrigin, startRawOrigin, startRig } from './rig.ts'

describe('a failing endpoint', () => {
  it('that refuses the connection costs nobody a request, whatever its method', async () => {
    const dead = await deadUrl()
    const origin = await startOrigin((request, response) => {
      request.resume()
      request.on('end', () => response.end('ok'))
    })
    const rig = await startRig([dead, origin.url])
    for (let i = 0; i < 10; i++) {
      const answer = await fetch(`${rig.url}/`, i % 2 === 0 ? {} : { method: 'POST', body: 'hello' })
      assert.equal(answer.status, 200)
      assert.equal(await answer.text(), 'ok')
    }
    assert.ok(rig.proxy.threads()[0].retries >= 1)
    await rig.close()
    await origin.close()
  })

  it('is never tried again while another is left', async () => {
    const dead = await Promise.all([deadUrl(), deadUrl()])
    const origin = await startOrigin((_, response) => response.end('ok'))
    const rig = await startRig([...dead, origin.url], { service: { retry: { attempts: 2 } } })
    for (let i = 0; i < 9; i++) assert.equal((await fetch(rig.url)).status, 200)
    await rig.close()
    await origin.close()
  })

  it('that breaks off without an answer is made good for GET, and for POST it is not asked twice', async () => {
    let asked = 0
    const breaking = await startRawOrigin(socket => {
      asked++
      socket.destroy()
    })
    let answered = 0
    const origin = await startOrigin((request, response) => {
      request.resume()
      answered++
      response.end('ok')
    })
    const rig = await startRig([breaking.url, origin.url])
    for (let i = 0; i < 6; i++) assert.equal((await fetch(rig.url)).status, 200)
    assert.ok(asked > 0)
    asked = 0
    answered = 0
    const statuses: number[] = []
    for (let i = 0; i < 6; i++) statuses.push((await fetch(rig.url, { method: 'POST', body: 'x' })).status)
    assert.deepEqual([...new Set(statuses)].sort(), [200, 502])
    assert.equal(asked + answered, 6)
    await rig.close()
    await Promise.all([origin.close(), breaking.close()])
  })

  it('without another is answered with 502, and no endpoint at all with 503', async () => {
    const rig = await startRig([await deadUrl()])
    const refused = await fetch(rig.url)
    assert.equal(refused.status, 502)
    assert.equal(refused.headers.get('x-signalbox-reason'), 'connect-failed')
    rig.box.service('api').remove('e0')
    const none = await fetch(rig.url)
    assert.equal(none.status, 503)
    assert.equal(none.headers.get('x-signalbox-reason'), 'no-endpoint')
    assert.equal(none.headers.get('retry-after'), '1')
    await rig.close()
  })

  it('that stays silent is answered with 504 after firstByte', async () => {
    let asked = 0
    const origin = await startOrigin(() => asked++)
    const rig = await startRig([origin.url, origin.url], { service: { timeouts: { firstByte: '100ms' } } })
    const answer = await fetch(rig.url)
    assert.equal(answer.status, 504)
    assert.equal(answer.headers.get('x-signalbox-reason'), 'first-byte-timeout')
    assert.equal(asked, 1)
    assert.equal(inflight(rig.box), 0)
    await rig.close()
    await origin.close()
  })

  it('is given up when the time of the whole request is over', async () => {
    const origin = await startOrigin(() => {})
    const rig = await startRig([origin.url], { service: { timeouts: { request: '100ms' } } })
    const answer = await fetch(rig.url)
    assert.equal(answer.status, 504)
    assert.equal(answer.headers.get('x-signalbox-reason'), 'request-timeout')
    await eventually('the request is settled', () => inflight(rig.box) === 0)
    await rig.close()
    await origin.close()
  })
})
