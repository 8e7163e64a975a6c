import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { exchangeRaw, head, inflight, type Origin, type Rig, startOrigin, startRawOrigin, startRig } from './rig.ts'

/** Tries that never come soon: none of what is shown here hangs on how long something takes. */
const PATIENT = { backOff: '1ms', maxBackOff: '10s', budget: '100%', budgetMin: 100 }

const answering = (status: number, fields: Record<string, string> = {}): Promise<Origin & { asked: () => number }> => {
  let asked = 0
  return startOrigin((request, response) => {
    asked++
    request.resume()
    response.writeHead(status, fields).end(`${status}`)
  }).then(origin => ({ ...origin, asked: () => asked }))
}

async function closeAll(rig: Rig, ...origins: Origin[]): Promise<void> {
  await eventually('all is settled', () => inflight(rig.box) === 0 && rig.box.explain('api').retries === 0)
  await rig.close()
  await Promise.all(origins.map(origin => origin.close()))
}

describe('retry.statuses', () => {
  it('sends an idempotent request on to an endpoint that does better', async () => {
    const [bad, good] = await Promise.all([answering(503), answering(200)])
    const rig = await startRig([bad.url, good.url], {
      service: { retry: PATIENT, outlier: { consecutiveGateway: 0, consecutive5xx: 0, burst: 0 } },
    })
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'GET']) {
      const body = method === 'PUT' ? { body: 'all of it' } : {}
      assert.equal((await fetch(rig.url, { method, ...body })).status, 200, method)
    }
    assert.ok(bad.asked() > 0)
    await closeAll(rig, bad, good)
  })

  it('passes the answer on to a POST, to a status that is not named, and when there is nowhere else to go', async () => {
    const [bad, worse] = await Promise.all([answering(503), answering(500)])
    const rig = await startRig([bad.url], { service: { retry: PATIENT } })
    const post = await fetch(rig.url, { method: 'POST', body: 'x' })
    assert.deepEqual([post.status, await post.text(), bad.asked()], [503, '503', 1])
    const get = await fetch(rig.url)
    assert.deepEqual([get.status, await get.text(), get.headers.get('x-signalbox-reason')], [503, '503', null])
    assert.equal(bad.asked(), 2)
    await closeAll(rig, bad)
    const other = await startRig([worse.url, worse.url], { service: { retry: PATIENT } })
    assert.equal((await fetch(other.url)).status, 500)
    assert.equal(worse.asked(), 1)
    await closeAll(other, worse)
  })

  it('stops after so many attempts, and the last answer is the answer', async () => {
    const origins = await Promise.all([answering(502), answering(502), answering(502), answering(502)])
    const rig = await startRig(
      origins.map(({ url }) => url),
      { service: { retry: { ...PATIENT, attempts: 2 } } },
    )
    assert.equal((await fetch(rig.url)).status, 502)
    assert.deepEqual(origins.map(origin => origin.asked()).sort(), [0, 1, 1, 1])
    await closeAll(rig, ...origins)
  })

  it('comes back to the only endpoint when its Retry-After is short, and not when it is long', async () => {
    let asked = 0
    const origin = await startOrigin((request, response) => {
      const isBusy = asked++ % 2 === 0
      const after = request.url === '/long' ? '3600' : '0'
      response.writeHead(isBusy ? 503 : 200, isBusy ? { 'retry-after': after } : {}).end()
    })
    const rig = await startRig([origin.url], { service: { retry: PATIENT } })
    assert.equal((await fetch(`${rig.url}/short`)).status, 200)
    assert.equal(asked, 2)
    assert.equal((await fetch(`${rig.url}/long`)).status, 503)
    assert.equal(asked, 3)
    await closeAll(rig, origin)
  })

  it('keeps the connection of an endpoint whose short answer was not wanted', async () => {
    const sockets = new Set<unknown>()
    const bad = await startOrigin((request, response) => {
      sockets.add(request.socket)
      response.writeHead(503).end('no room')
    })
    const good = await answering(200)
    const rig = await startRig([bad.url, good.url], {
      service: { retry: PATIENT, outlier: { consecutiveGateway: 0, consecutive5xx: 0, burst: 0 } },
    })
    for (let i = 0; i < 8; i++) assert.equal((await fetch(rig.url)).status, 200)
    assert.equal(sockets.size, 1)
    await closeAll(rig, bad, good)
  })
})

describe('a request body', () => {
  /** Takes some of the body and then breaks off, the first time; afterwards answers with the number of bytes it got. */
  async function breakingOnce(): Promise<Origin> {
    let hasBroken = false
    return startOrigin((request, response) => {
      let text = ''
      request.setEncoding('latin1')
      request.on('data', piece => {
        text += piece
        if (hasBroken || text.length < 4) return
        hasBroken = true
        request.socket.destroy()
      })
      request.on('end', () => response.end(text))
      request.on('error', () => {})
    })
  }

  it('is sent again from its beginning with a PUT that broke off, however it comes', async () => {
    const origin = await breakingOnce()
    const rig = await startRig([origin.url, origin.url], { service: { retry: PATIENT } })
    const answer = await fetch(rig.url, { method: 'PUT', body: 'a body in one piece' })
    assert.deepEqual([answer.status, await answer.text()], [200, 'a body in one piece'])
    await closeAll(rig, origin)

    const again = await breakingOnce()
    const slow = await startRig([again.url, again.url], { service: { retry: PATIENT } })
    let push: (text: string) => void = () => {}
    let finish = (): void => {}
    const stream = new ReadableStream({
      start(controller) {
        push = text => controller.enqueue(new TextEncoder().encode(text))
        finish = () => controller.close()
      },
    })
    const sent = fetch(slow.url, { method: 'PUT', body: stream, duplex: 'half' } as RequestInit)
    push('first')
    await eventually('the first try has broken', () => slow.proxy.threads()[0].retries === 1)
    push(' second')
    finish()
    const late = await sent
    assert.deepEqual([late.status, await late.text()], [200, 'first second'])
    await closeAll(slow, again)
  })

  it('is not sent again where it was too long to keep, nor with a POST', async () => {
    for (const [method, body] of [
      ['PUT', 'x'.repeat(100)],
      ['POST', 'short'],
    ]) {
      const origin = await breakingOnce()
      const rig = await startRig([origin.url, origin.url], { service: { retry: { ...PATIENT, bodyBytes: '99B' } } })
      assert.equal((await fetch(rig.url, { method, body })).status, 502)
      assert.equal(rig.proxy.threads()[0].retries, 0)
      await closeAll(rig, origin)
    }
  })
})

describe('an endpoint that dies with many requests', () => {
  it('costs none of them its answer, although few second tries may be under way at a time', async () => {
    const held: (() => void)[] = []
    const dying = await startRawOrigin(socket => void held.push(() => socket.destroy()))
    const good = await answering(200)
    const rig = await startRig([dying.url, good.url], {
      service: {
        retry: { ...PATIENT, budget: '0%', budgetMin: 1 },
        outlier: { consecutiveLocalOrigin: 0, consecutive5xx: 0, burst: 0 },
      },
    })
    const sent = Array.from({ length: 24 }, () => fetch(rig.url))
    await eventually('half of them wait', () => held.length === 12)
    for (const die of held) die()
    assert.deepEqual(new Set((await Promise.all(sent)).map(({ status }) => status)), new Set([200]))
    await closeAll(rig, dying, good)
  })
})

describe('the only endpoint', () => {
  it('is tried again after a while when it broke off', async () => {
    let asked = 0
    const origin = await startRawOrigin(socket => {
      if (asked++ === 0) socket.destroy()
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    const rig = await startRig([origin.url], { service: { retry: PATIENT } })
    assert.equal((await fetch(rig.url)).status, 200)
    assert.equal(asked, 2)
    await closeAll(rig, origin)
  })

  it('is not asked any more for a downstream that went away meanwhile', async () => {
    let asked = 0
    const origin = await startRawOrigin(socket => {
      asked++
      socket.destroy()
    })
    const rig = await startRig([origin.url], { service: { retry: { ...PATIENT, backOff: '10s' } } })
    await exchangeRaw(rig.port, head('/'), { timeoutMs: 500 })
    await closeAll(rig, origin)
    assert.equal(asked, 1)
  })
})

describe('retry.perTry', () => {
  it('sends an idempotent request elsewhere, and answers a POST with 504', async () => {
    let silent = 0
    const mute = await startOrigin(request => {
      silent++
      request.resume()
    })
    const good = await answering(200)
    const rig = await startRig([mute.url, good.url], {
      service: {
        retry: { ...PATIENT, perTry: '50ms' },
        outlier: { consecutiveLocalOrigin: 0, consecutive5xx: 0, burst: 0 },
      },
    })
    for (let i = 0; i < 4; i++) assert.equal((await fetch(rig.url)).status, 200)
    assert.ok(silent > 0)
    const statuses = new Set<number>()
    for (let i = 0; i < 4; i++) statuses.add((await fetch(rig.url, { method: 'POST', body: 'x' })).status)
    assert.deepEqual([...statuses].sort(), [200, 504])
    await closeAll(rig, mute, good)
  })
})

describe('retry.hedge', () => {
  it('asks a second endpoint where the first is slow, and the first answer wins', async () => {
    let cut = 0
    let silent = 0
    const mute = await startOrigin(request => {
      silent++
      request.socket.once('close', () => cut++)
    })
    const good = await answering(200)
    const rig = await startRig([mute.url, good.url], { service: { retry: { ...PATIENT, hedge: '20ms' } } })
    for (let i = 0; i < 4; i++) assert.equal((await fetch(rig.url)).status, 200)
    assert.ok(silent > 0)
    await eventually('the loser hears of it', () => cut === silent)
    await closeAll(rig, mute, good)
  })

  it('waits for the slow one when the second fails', async () => {
    let answer = (): void => {}
    const slow = await startOrigin((_, response) => {
      answer = () => response.end('slow')
    })
    const broken = await startRawOrigin(socket => {
      socket.destroy()
      answer()
    })
    const rig = await startRig([slow.url, broken.url], {
      service: { retry: { ...PATIENT, attempts: 1, hedge: '20ms' } },
    })
    assert.equal(await (await fetch(rig.url)).text(), 'slow')
    await closeAll(rig, slow, broken)
  })

  it('leaves a POST alone', async () => {
    let asked = 0
    let answer = (): void => {}
    const slow = await startOrigin((request, response) => {
      asked++
      request.resume()
      answer = () => response.end('slow')
    })
    const rig = await startRig([slow.url, slow.url], { service: { retry: { ...PATIENT, hedge: '1ms' } } })
    const post = fetch(rig.url, { method: 'POST', body: 'x' })
    await eventually('it is asked', () => asked === 1)
    // A GET sent afterwards is hedged: so much time has passed.
    const get = fetch(rig.url)
    await eventually('the GET is asked twice', () => asked === 3)
    answer()
    assert.equal((await get).status, 200)
    void post.catch(() => {})
    await rig.close()
    await slow.close()
  })
})

describe('an endpoint that is taken out', () => {
  it('loses the requests that wait for its answer to another one', async () => {
    let silent = 0
    const mute = await startOrigin(request => {
      silent++
      request.resume()
    })
    const good = await answering(200)
    const rig = await startRig([mute.url, good.url], { service: { retry: PATIENT } })
    const first = fetch(rig.url)
    const second = fetch(rig.url)
    await eventually('one waits', () => silent === 1)
    rig.box.service('api').quarantine('e0')
    assert.deepEqual([(await first).status, (await second).status], [200, 200])
    await closeAll(rig, mute, good)
  })
})
