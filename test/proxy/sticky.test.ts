import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { CLOCK_MS_AT } from '../../engine/memory/layout.ts'
import { deadUrl, exchangeRaw, head, type Origin, type Rig, startOrigin, startRawOrigin, startRig } from './rig.ts'

interface Answer {
  status: number
  who: string
  /** The Set-Cookie lines, in the order they came. */
  setCookies: string[]
}

async function ask(rig: Rig, ...fields: string[]): Promise<Answer> {
  const text = await exchangeRaw(rig.port, head('/', ...fields))
  const setCookies = [...text.matchAll(/^set-cookie: (.*)\r$/gim)].map(([, line]) => line)
  return { status: Number(text.slice(9, 12)), who: text.slice(text.indexOf('\r\n\r\n') + 4), setCookies }
}

const ISSUED = /^signalbox=([A-Za-z0-9_-]{22}); Path=\/; HttpOnly; SameSite=Lax$/

/** The Cookie field a browser would send after an answer. */
function cookieOf({ setCookies }: Answer): string {
  const found = setCookies.map(line => /^[^=]+=[A-Za-z0-9_-]{22}(?=; Path)/.exec(line)?.[0]).filter(Boolean)
  assert.equal(found.length, 1, setCookies.join(' | '))
  return `Cookie: theme=dark; ${found[0]}; lang=en`
}

/** Three origins that answer their name, behind a sticky service that takes new sessions in turn. */
async function startSticky(policy: Record<string, unknown> = {}, more: Parameters<typeof startRig>[1] = {}) {
  const origins = await Promise.all(
    ['a', 'b', 'c'].map(name =>
      startOrigin((request, response) => {
        response.setHeader('Set-Cookie', ['theme=dark', `seen=${createHash('md5').update(name).digest('hex')}`])
        response.setHeader('X-Cookie', request.headers.cookie ?? 'none')
        response.end(name)
      }),
    ),
  )
  const { service, ...rest } = more
  const rig = await startRig(
    origins.map(({ url }) => url),
    { service: { policy: { name: 'sticky', within: 'round-robin', ...policy }, ...service }, ...rest },
  )
  return { rig, origins, close: () => closeAll(rig, origins) }
}

async function closeAll(rig: Rig, origins: Origin[]): Promise<void> {
  await rig.close()
  for (const origin of origins) await origin.close()
}

describe('a sticky service', () => {
  it(`gives who has no cookie one, beside the endpoint's own, and keeps who has it at its endpoint`, async () => {
    const { rig, close } = await startSticky()
    const sessions = [await ask(rig), await ask(rig), await ask(rig)]
    assert.deepEqual(sessions.map(({ who }) => who).sort(), ['a', 'b', 'c'])
    for (const { setCookies } of sessions) {
      assert.equal(setCookies.length, 3)
      assert.deepEqual(setCookies[0], 'theme=dark')
      assert.match(setCookies[1], /^seen=/)
      assert.match(setCookies[2], ISSUED)
    }
    assert.equal(new Set(sessions.map(cookieOf)).size, 3)
    for (let again = 0; again < 3; again++) {
      for (const session of sessions) {
        const answer = await ask(rig, cookieOf(session))
        assert.equal(answer.who, session.who)
        assert.equal(answer.setCookies.length, 2, 'it is given once')
      }
    }
    assert.equal(rig.box.explain('api').sessions, 3)
    await close()
  })

  it('gives who begins with a WebSocket one, too', async () => {
    const names = ['a', 'b', 'c']
    const origins = await Promise.all(
      names.map(name =>
        startRawOrigin(socket => socket.end(`HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n${name}`)),
      ),
    )
    const policy = { name: 'sticky', within: 'round-robin' }
    // The first may be sent to an endpoint that is not there: the session belongs to the one that answered.
    const rig = await startRig([await deadUrl(), ...origins.map(({ url }) => url)], { service: { policy } })
    const upgrade = async (...fields: string[]): Promise<Answer> => {
      const lines = ['Host: a.example', 'Connection: Upgrade', 'Upgrade: echo', ...fields]
      const text = await exchangeRaw(rig.port, `GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
      const setCookies = [...text.matchAll(/^set-cookie: (.*)\r$/gim)].map(([, line]) => line)
      return { status: Number(text.slice(9, 12)), who: text.slice(text.indexOf('\r\n\r\n') + 4), setCookies }
    }
    for (let i = 0; i < 4; i++) {
      const session = await upgrade()
      assert.equal(session.status, 101)
      assert.match(session.setCookies[0], ISSUED)
      for (let again = 0; again < 3; again++) {
        const { who, setCookies } = await upgrade(cookieOf(session))
        assert.deepEqual([who, setCookies], [session.who, []])
      }
    }
    await closeAll(rig, origins)
  })

  it('passes cookies on to the endpoint as they came', async () => {
    const { rig, close } = await startSticky()
    const text = await exchangeRaw(rig.port, head('/', 'Cookie: a=1;signalbox=mine ;b'))
    assert.match(text, /^x-cookie: a=1;signalbox=mine ;b\r$/im)
    assert.match(await exchangeRaw(rig.port, head('/')), /^x-cookie: none\r$/im)
    await close()
  })

  it('takes any value of the cookie as a key, and an empty one as none', async () => {
    const { rig, close } = await startSticky()
    for (const value of ['mine', '"quoted"', '%%%', 'a=b=c', 'x'.repeat(3000)]) {
      const first = await ask(rig, `Cookie: signalbox=${value}`)
      assert.equal(first.setCookies.length, 2)
      for (let again = 0; again < 3; again++) {
        assert.equal((await ask(rig, `Cookie: signalbox=${value}`)).who, first.who)
      }
    }
    for (const field of ['Cookie: signalbox=', 'Cookie: signalbox', 'Cookie: signalboxes=1', 'Cookie: ;;=']) {
      cookieOf(await ask(rig, field))
    }
    await close()
  })

  it('marks the cookie as secure where a trusted peer says that the request came over TLS, and only there', async () => {
    const { rig, close } = await startSticky({}, { trustedProxies: ['127.0.0.1/32'] })
    const secure = await ask(rig, 'X-Forwarded-Proto: https')
    assert.match(secure.setCookies[2], /; HttpOnly; SameSite=Lax; Secure$/)
    assert.match((await ask(rig, 'X-Forwarded-Proto: http')).setCookies[2], ISSUED)
    await close()
    const other = await startSticky()
    assert.match((await ask(other.rig, 'X-Forwarded-Proto: https')).setCookies[2], ISSUED)
    await other.close()
  })

  for (const [how, policy] of [
    ['cookie', { cookie: 'SID' }],
    ['hash', { hash: { cookie: 'SID' } }],
  ] as const) {
    it(`calls the cookie as ${how} says`, async () => {
      const { rig, close } = await startSticky(policy)
      const first = await ask(rig, 'Cookie: signalbox=1')
      assert.match(first.setCookies[2], /^SID=/)
      assert.equal((await ask(rig, cookieOf(first))).who, first.who)
      await close()
    })
  }

  it('gives no cookie where a header names the session, and remembers nobody who has none', async () => {
    const { rig, close } = await startSticky({ hash: { header: 'x-user' } })
    const first = await ask(rig, 'X-User: ann')
    assert.equal(first.setCookies.length, 2)
    const others = [await ask(rig), await ask(rig), await ask(rig)]
    assert.deepEqual(others.map(({ who }) => who).sort(), ['a', 'b', 'c'])
    assert.equal((await ask(rig, 'X-User: ann')).who, first.who)
    assert.equal(rig.box.explain('api').sessions, 1)
    await close()
  })

  it(`gives no cookie with an answer of the proxy's own: no session has begun`, async () => {
    const { rig, close } = await startSticky()
    for (const id of ['e0', 'e1', 'e2']) rig.box.service('api').remove(id)
    const { status, setCookies } = await ask(rig)
    assert.deepEqual([status, setCookies], [503, []])
    await close()
  })

  it('moves a session when its endpoint is drained, or removed, and leaves it there when that is back', async () => {
    const { rig, close } = await startSticky()
    const service = rig.box.service('api')
    const idOf = (who: string): string => `e${'abc'.indexOf(who)}`
    const first = await ask(rig)
    const cookie = cookieOf(first)
    void service.drain(idOf(first.who))
    const second = await ask(rig, cookie)
    assert.notEqual(second.who, first.who)
    assert.equal(second.setCookies.length, 2, 'the cookie stays')
    service.undrain(idOf(first.who))
    assert.equal((await ask(rig, cookie)).who, second.who)
    service.remove(idOf(second.who))
    const third = await ask(rig, cookie)
    assert.notEqual(third.who, second.who)
    assert.equal((await ask(rig, cookie)).who, third.who)
    await close()
  })

  it('takes a session along when a second try succeeds elsewhere', async () => {
    const origin = await startOrigin((_, response) => response.end('b'))
    const rig = await startRig([await deadUrl(), origin.url], {
      service: { policy: { name: 'sticky', within: 'round-robin' } },
    })
    const retries = (): number => rig.proxy.threads()[0].retries
    const first = await ask(rig)
    assert.deepEqual([first.status, retries()], [200, 1])
    const again = await ask(rig, cookieOf(first))
    assert.deepEqual([again.who, retries()], ['b', 1], 'it goes there at once')
    await closeAll(rig, [origin])
  })

  it('leaves a session where it is when the second try fails as well', async () => {
    let isUp = false
    const origins = await Promise.all(
      ['a', 'b'].map(name =>
        startOrigin((request, response) => {
          if (isUp) response.end(name)
          else request.socket.destroy()
        }),
      ),
    )
    const rig = await startRig(
      origins.map(({ url }) => url),
      { service: { policy: { name: 'sticky', within: 'round-robin' }, retry: { attempts: 1 } } },
    )
    isUp = true
    const { who } = await ask(rig, 'Cookie: signalbox=1')
    isUp = false
    assert.equal((await ask(rig, 'Cookie: signalbox=1')).status, 502)
    isUp = true
    assert.equal((await ask(rig, 'Cookie: signalbox=1')).who, who)
    await closeAll(rig, origins)
  })

  it('forgets a session that was not used for ttl', async () => {
    const { rig, close } = await startSticky({ ttl: '1h' })
    const first = await ask(rig)
    const cookie = cookieOf(first)
    const { words } = rig.box.attachment.region
    const standAt = (ms: number): void => {
      words[CLOCK_MS_AT] = ms
    }
    // Ticks that lie behind change nothing: from here on the clock is the test's.
    const begin = words[CLOCK_MS_AT] + 3_590_000
    standAt(begin)
    assert.equal((await ask(rig, cookie)).who, first.who)
    standAt(begin + 3_590_000)
    assert.equal((await ask(rig, cookie)).who, first.who, 'its last use counts')
    standAt(begin + 2 * 3_590_000 + 20_000)
    const later = await ask(rig, cookie)
    // Turn two is the next endpoint's.
    assert.notEqual(later.who, first.who)
    assert.equal(later.setCookies.length, 2)
    await close()
  })
})
