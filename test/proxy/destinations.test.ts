import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { exchangeRaw, type Origin, type Rig, startRawOrigin, startRig } from './rig.ts'

/** One proxy whose routes lead everywhere, before an origin that keeps every byte. */
let origin: Origin & { received: () => string }
let rig: Rig

before(async () => {
  origin = await startRawOrigin(
    'HTTP/1.1 200 OK\r\nServer: origin\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\nSet-Cookie: a=1\r\n\r\nok',
  )
  rig = await startRig([origin.url], {
    trustedProxies: ['127.0.0.0/8'],
    routes: [
      { match: { path: '/api/' }, service: 'api', rewrite: { prefix: '/v2/' } },
      { match: { exactPath: '/whole' }, service: 'api', rewrite: { path: '/w', host: 'inner.example:81' } },
      { match: { path: '/plain/' }, service: 'api', rewrite: { host: 'inner.example' } },
      {
        match: { path: '/edits/' },
        service: 'api',
        requestHeaders: { set: { 'X-One': 'set', via: 'hidden' }, add: { 'x-two': 'added' }, remove: ['cookie'] },
        responseHeaders: { set: { 'x-a': 'set' }, add: { 'Set-Cookie': 'b=2' }, remove: ['server'] },
      },
      { match: { path: '/old/' }, redirect: { prefix: '/', status: 301 } },
      { match: { path: '/same/' }, redirect: { prefix: '/other/', status: 307 } },
      { match: { exactPath: '/fixed' }, redirect: { path: '/new/fixed' } },
      { match: { path: '/moved/' }, redirect: { host: 'www.example.com', prefix: '/', status: 302 } },
      { match: { path: '/port/' }, redirect: { port: 8443, scheme: 'https', status: 303 } },
      { match: { host: 'plain.example', scheme: 'http' }, redirect: { scheme: 'https' } },
      { match: { exactPath: '/status' }, respond: { body: 'grün\n', headers: { 'X-Own': 'yes' } } },
      { match: { exactPath: '/empty' }, respond: { status: 204 } },
      { match: { exactPath: '/teapot' }, respond: { status: 418, body: '{}', contentType: 'application/json' } },
      { match: { path: '/post/', method: 'POST' }, service: 'api' },
    ],
  })
})

after(async () => {
  await rig.close()
  await origin.close()
})

interface Asked {
  method?: string
  host?: string
  fields?: string[]
  body?: string
}

/** Sends a request and gives the whole answer, and what the origin got of it. */
async function ask(target: string, { method = 'GET', host = 'a.example', fields = [], body = '' }: Asked = {}) {
  const from = origin.received().length
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...fields, 'Connection: close', '', body].join('\r\n')
  const text = await exchangeRaw(rig.port, head)
  const end = text.indexOf('\r\n\r\n')
  return {
    status: Number(text.slice(9, 12)),
    head: text.slice(0, end + 2),
    body: text.slice(end + 4),
    location: /\r\nLocation: (.*)\r\n/.exec(text)?.[1],
    sent: origin.received().slice(from),
  }
}

describe('a rewrite', () => {
  const sentTarget = async (target: string): Promise<string> => (await ask(target)).sent.split(' ')[1]

  it('replaces what match.path matched, and no other byte', async () => {
    assert.equal(await sentTarget('/api/a%2Db//c?x=%zz&y=|"[]?/../'), '/v2/a%2Db//c?x=%zz&y=|"[]?/../')
    assert.equal(await sentTarget('/%61pi/%7e?'), '/v2/%7e?')
    assert.equal(await sentTarget('/x/../api/'), '/v2/')
    assert.equal(await sentTarget('http://b.example/api/x?y'), '/v2/x?y')
  })

  it('is not led out of what it leads to', async () => {
    assert.equal(await sentTarget('/api/x/../../api/secret'), '/v2/secret')
    assert.equal(await sentTarget('/api/x/%2e%2E/%2e./api/secret'), '/v2/secret')
  })

  it('replaces path and host, and tells the host that was asked for', async () => {
    const { sent } = await ask('/whole?a=b', { host: 'a.example:8080' })
    assert.match(sent, /^GET \/w\?a=b HTTP\/1\.1\r\nHost: inner\.example:81\r\n/)
    assert.match(sent, /\r\nX-Forwarded-Host: a\.example:8080\r\n/)
  })

  it('of the host alone leaves the target as it came', async () => {
    const { sent } = await ask('/plain/../plain/z%7A?a|b')
    assert.match(sent, /^GET \/plain\/\.\.\/plain\/z%7A\?a\|b HTTP\/1\.1\r\nHost: inner\.example\r\n/)
  })
})

describe('the headers of a route', () => {
  it('are removed, set and added on the way up, whatever came', async () => {
    const { sent } = await ask('/edits/', { fields: ['x-one: 1', 'X-ONE: 2', 'X-Two: own', 'Cookie: secret'] })
    assert.ok(!/cookie|x-one: 1|x-one: 2|signalbox/i.test(sent), sent)
    assert.equal(sent.match(/x-one/gi)?.length, 1)
    assert.match(sent, /\r\nX-One: set\r\nvia: hidden\r\nx-two: added\r\n\r\n$/)
    assert.match(sent, /\r\nX-Two: own\r\n/)
  })

  it('are removed, set and added on the way down', async () => {
    const { head, body } = await ask('/edits/')
    assert.equal(
      head.replace(/\r\nDate: .*/, ''),
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=1\r\nx-a: set\r\nSet-Cookie: b=2\r\nConnection: close\r\n',
    )
    assert.equal(body, 'ok')
  })
})

describe('a redirect', () => {
  it('keeps the query byte for byte, and has no body', async () => {
    const { status, location, head, body, sent } = await ask('/same/a%7Eb/x?x=%zz&y=%0d%0a|"')
    assert.equal(status, 307)
    assert.equal(location, '/other/a%7Eb/x?x=%zz&y=%0d%0a|"')
    assert.match(head, /\r\nContent-Length: 0\r\n/)
    assert.equal(body, '')
    assert.equal(sent, '')
    assert.equal((await ask('/fixed?q')).location, '/new/fixed?q')
    assert.equal((await ask('/fixed')).status, 308)
  })

  it('leads to the host, scheme and port that are written, and takes the rest from the request', async () => {
    assert.equal((await ask('/moved/x?y')).location, 'http://www.example.com/x?y')
    assert.equal((await ask('/moved/', { fields: ['X-Forwarded-Proto: https'] })).location, 'https://www.example.com/')
    assert.equal((await ask('/port/x', { host: 'A.example:80' })).location, 'https://a.example:8443/port/x')
    assert.equal((await ask('/x?', { host: 'plain.example:8080' })).location, 'https://plain.example/x?')
    assert.equal((await ask('/x', { host: 'plain.example', fields: ['X-Forwarded-Proto: https'] })).status, 404)
  })

  it('leads nowhere that only the request names', async () => {
    // Each would be another origin, were it not for the one slash at the beginning.
    for (const tail of ['/evil.example', '//evil.example/%2e%2e', '///evil.example', '/x/..//evil.example']) {
      const { location } = await ask(`/old/${tail}?next=//evil.example`)
      assert.match(location ?? '', /^\/[^/\\]/, tail)
      assert.equal(new URL(location as string, 'http://a.example').host, 'a.example', tail)
    }
    // On no route: a backslash makes a path that can be read in two ways.
    for (const target of ['/old/\\evil.example', '/\\evil.example/old/']) assert.equal((await ask(target)).status, 404)
    // Where all paths are redirected, an origin stands before them.
    for (const target of ['//evil.example', '/\\evil.example', '/@evil.example', '/.evil.example']) {
      const { location } = await ask(target, { host: 'plain.example' })
      assert.equal(location, `https://plain.example${target}`)
      assert.equal(new URL(location as string).host, 'plain.example')
    }
  })

  it('never has a line of its own in what the request says', async () => {
    for (const target of ['/old/a%0d%0aX-Evil:%201', '/old/%E5%98%8A%E5%98%8DX-Evil:1', '/old/a%00b']) {
      const { head } = await ask(target)
      assert.ok(!/\r\nX-Evil/i.test(head), head)
    }
  })

  it('asks for an ordinary host where it would put that in', async () => {
    for (const host of ["a'b", 'a%2fb', 'a..b', '1.2.3', '']) {
      const { status, head } = await ask('/port/', { host })
      assert.equal(status, 400, host)
      assert.match(head, /x-signalbox-reason: bad-host/)
    }
    assert.equal((await ask('/port/', { host: '[::1]:80' })).location, 'https://[::1]:8443/port/')
  })
})

describe('an answer of the config', () => {
  it('is given as it is written', async () => {
    const { status, head, body, sent } = await ask('/status?x')
    assert.equal(status, 200)
    assert.equal(Buffer.from(body, 'latin1').toString(), 'grün\n')
    assert.match(head, /\r\nX-Own: yes\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Length: 6\r\n/)
    assert.ok(!/x-signalbox-reason/i.test(head))
    assert.equal(sent, '')
    const teapot = await ask('/teapot')
    assert.match(teapot.head, /^HTTP\/1\.1 418 .*\r\nContent-Type: application\/json\r\nContent-Length: 2\r\n/)
  })

  it('has the same header for HEAD, and no body', async () => {
    const [get, head] = [await ask('/status'), await ask('/status', { method: 'HEAD' })]
    const withoutDate = (text: string): string => text.replace(/Date: .*\r\n/, '')
    assert.equal(withoutDate(head.head), withoutDate(get.head))
    assert.equal(head.body, '')
  })

  it('has neither body nor length with 204', async () => {
    const { head, body } = await ask('/empty')
    assert.match(head, /^HTTP\/1\.1 204 No Content\r\n/)
    assert.ok(!/content-length|content-type|transfer-encoding/i.test(head), head)
    assert.equal(body, '')
  })

  it('reaches a downstream whose body nobody reads', async () => {
    const { status, body } = await ask('/teapot', { method: 'POST', fields: ['Content-Length: 4'], body: 'body' })
    assert.equal(status, 418)
    assert.equal(body, '{}')
  })

  it('leaves the connection open for the next request', async () => {
    const two = 'GET /teapot HTTP/1.1\r\nHost: a\r\n\r\nGET /status HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    const text = await exchangeRaw(rig.port, two)
    assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 2)
  })
})

it('a request that no route takes for its method is answered with 404', async () => {
  assert.equal((await ask('/post/', { method: 'POST', fields: ['Content-Length: 0'] })).status, 200)
  const { status, head } = await ask('/post/')
  assert.equal(status, 404)
  assert.match(head, /x-signalbox-reason: no-route/)
})

it('a request for another protocol goes where every request goes', async () => {
  const fields = ['Upgrade: websocket', 'Connection: upgrade']
  const { sent } = await ask('/api/chat', { fields })
  assert.match(sent, /^GET \/v2\/chat HTTP\/1\.1\r\n[\s\S]*\r\nUpgrade: websocket\r\n/)
  const answered = await ask('/fixed', { fields })
  assert.equal(answered.status, 308)
  assert.equal(answered.location, '/new/fixed')
})
