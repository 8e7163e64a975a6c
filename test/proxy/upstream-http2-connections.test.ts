import assert from 'node:assert/strict'
import { once } from 'node:events'
import { constants, type ServerHttp2Stream } from 'node:http2'
import net, { type AddressInfo, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { type Answer, startH2c } from './http2-origin.ts'
import { deadUrl, inflight, type Rig, startRig } from './rig.ts'

async function rigOf(t: TestContext, urls: string[], service: object = {}): Promise<Rig> {
  const rig = await startRig(urls, { service: { protocol: 'http2', ...service } })
  t.after(() => rig.close())
  return rig
}

const NAMED: Answer = (stream, _headers, session) => {
  stream.respond({ ':status': 200 })
  stream.end(String(session))
}

/** Which session of the endpoint answered. */
async function askedOn(rig: Rig): Promise<string> {
  const answer = await fetch(rig.url)
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  await eventually('it is settled', () => inflight(rig.box) === 0)
  return text
}

/** A way to an endpoint that can be frozen: what is open then stays open, and nothing passes any more. */
async function startRelay(t: TestContext, port: number) {
  const pairs: [Socket, Socket][] = []
  const server = net.createServer(down => {
    const up = net.connect({ host: '127.0.0.1', port })
    pairs.push([down, up])
    for (const socket of [down, up]) socket.on('error', () => {})
    down.pipe(up).pipe(down)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of pairs.flat()) socket.destroy()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pairs,
    freeze: () => {
      for (const [down, up] of pairs) {
        down.unpipe(up)
        up.unpipe(down)
        // Read, so that its end is seen, and not passed on.
        down.resume()
      }
    },
  }
}

describe('connections over HTTP/2', () => {
  it('keepAlive closes one that was idle for so long, maxAge one that is old', async t => {
    const origin = await startH2c(t, NAMED)
    for (const connections of [{ keepAlive: '100ms' }, { keepAlive: '1h', maxAge: '100ms' }]) {
      const rig = await rigOf(t, [origin.url], { connections })
      const first = await askedOn(rig)
      await eventually('it is closed', () => origin.sessions[Number(first)].destroyed)
      await eventually('and counted no more', () => rig.box.explain('api').connections === 0)
      assert.equal(await askedOn(rig), String(Number(first) + 1))
    }
  })

  it('maxAge lets what is open on an old one end', async t => {
    const held: ServerHttp2Stream[] = []
    const origin = await startH2c(t, (stream, headers, session) => {
      if (headers[':path'] === '/held') held.push(stream)
      else NAMED(stream, headers, session)
    })
    const rig = await rigOf(t, [origin.url], { connections: { maxAge: '300ms' } })
    const begun = fetch(`${rig.url}/held`)
    await eventually('it is asked', () => held.length === 1)
    await eventually('others are asked elsewhere', async () => (await (await fetch(rig.url)).text()) !== '0')
    held[0].respond({ ':status': 200 })
    held[0].end('finished')
    assert.equal(await (await begun).text(), 'finished')
  })

  it('warm opens so many before they are needed, and again', async t => {
    const origin = await startH2c(t, NAMED)
    const rig = await rigOf(t, [origin.url], { connections: { warm: 2 } })
    const open = (): number => origin.sessions.filter(({ destroyed }) => !destroyed).length
    await eventually('two are open', () => open() === 2)
    assert.ok(['0', '1'].includes(await askedOn(rig)))
    origin.sessions[0].destroy()
    await eventually('two are open again', () => open() === 2)
    assert.equal(origin.sessions.length, 3)
  })

  it('that the endpoint leaves finishes what it said it would, and the rest is asked again, even a POST', async t => {
    const held: ServerHttp2Stream[] = []
    const origin = await startH2c(t, (stream, _headers, session) => {
      if (session === 0) {
        held.push(stream)
        stream.resume()
        return
      }
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    })
    const rig = await rigOf(t, [origin.url])
    const asked = Array.from({ length: 6 }, (_, i) => fetch(rig.url, { method: 'POST', body: `body ${i}` }))
    await eventually('six are asked', () => held.length === 6)
    const last = held[2].id as number
    origin.sessions[0].goaway(constants.NGHTTP2_NO_ERROR, last)
    for (const stream of held) {
      if ((stream.id as number) > last) continue
      stream.respond({ ':status': 200 })
      stream.end('finished')
    }
    const bodies = await Promise.all(asked.map(async each => (await each).text()))
    assert.equal(bodies.filter(body => body === 'finished').length, 3)
    assert.equal(new Set(bodies.filter(body => body.startsWith('body'))).size, 3)
    await eventually('all is settled', () => inflight(rig.box) === 0)
    assert.equal(rig.box.explain('api').endpoints[0].totals.error, 0)
  })

  it('an endpoint that refuses every stream is left for another, even by a POST', async t => {
    let refused = 0
    const refusing = await startH2c(t, stream => {
      refused++
      stream.close(constants.NGHTTP2_REFUSED_STREAM)
    })
    const other = await startH2c(t, stream => {
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    })
    const rig = await rigOf(t, [refusing.url, other.url])
    for (let i = 0; i < 4; i++) {
      const answer = await fetch(rig.url, { method: 'POST', body: `body ${i}` })
      assert.deepEqual([answer.status, await answer.text()], [200, `body ${i}`])
    }
    assert.ok(refused > 0)
  })

  it('a body goes to another endpoint where the first is not there', async t => {
    const other = await startH2c(t, stream => {
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    })
    const rig = await rigOf(t, [await deadUrl(), other.url])
    for (let i = 0; i < 4; i++) {
      const answer = await fetch(rig.url, { method: 'POST', body: `body ${i}` })
      assert.deepEqual([answer.status, await answer.text()], [200, `body ${i}`])
    }
  })

  it('fewer streams than before are kept to from then on, and none at all opens no storm', async t => {
    const held: [ServerHttp2Stream, number][] = []
    const origin = await startH2c(t, (stream, headers, session) => {
      if (headers[':path'] === '/held') held.push([stream, session])
      else NAMED(stream, headers, session)
    })
    const rig = await rigOf(t, [origin.url], { timeouts: { firstByte: '2s' }, retry: { attempts: 0 } })
    assert.equal(await askedOn(rig), '0')
    await new Promise<void>(resolve => origin.sessions[0].settings({ maxConcurrentStreams: 1 }, () => resolve()))
    const asked = Array.from({ length: 3 }, () => fetch(`${rig.url}/held`))
    await eventually('three are asked', () => held.length === 3)
    assert.equal(held.filter(([, session]) => session === 0).length, 1)
    for (const [stream] of held) {
      stream.respond({ ':status': 200 })
      stream.end()
    }
    for (const answer of await Promise.all(asked)) assert.equal(answer.status, 200)

    const closed = await startH2c(t, NAMED, { settings: { maxConcurrentStreams: 0 } })
    const waiting = await rigOf(t, [closed.url], { timeouts: { firstByte: '1s' }, retry: { attempts: 0 } })
    const late = await fetch(waiting.url)
    assert.deepEqual([late.status, late.headers.get('x-signalbox-reason')], [504, 'first-byte-timeout'])
    assert.ok(closed.sessions.length <= 2, `${closed.sessions.length}`)
  })

  it('one that died without a word is found and replaced', async t => {
    const origin = await startH2c(t, NAMED)
    const relay = await startRelay(t, origin.port)
    const rig = await rigOf(t, [relay.url], {
      timeouts: { firstByte: '500ms' },
      connections: { keepAlive: '1h' },
      retry: { attempts: 0 },
      outlier: { silence: '0s' },
    })
    assert.equal(await askedOn(rig), '0')
    relay.freeze()
    const lost = await fetch(rig.url)
    assert.deepEqual([lost.status, lost.headers.get('x-signalbox-reason')], [504, 'first-byte-timeout'])
    for (let i = 0; i < 3; i++) assert.equal(await askedOn(rig), '1')
    await eventually('it is closed', () => relay.pairs[0][0].destroyed, 20_000)
    assert.equal(rig.box.explain('api').connections, 1)
  })

  it('one that is alive and slow to answer is kept', async t => {
    let isSlow = true
    const origin = await startH2c(t, (stream, headers, session) => {
      if (!isSlow) NAMED(stream, headers, session)
    })
    const rig = await rigOf(t, [origin.url], {
      timeouts: { firstByte: '500ms' },
      connections: { keepAlive: '1h' },
      retry: { attempts: 0 },
    })
    assert.equal((await fetch(rig.url)).status, 504)
    isSlow = false
    await eventually('it has said that it is there', async () => (await askedOn(rig)) === '0')
    assert.equal(origin.sessions[0].destroyed, false)
  })
})
