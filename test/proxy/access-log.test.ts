import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import type { ConfigInput } from '../../engine/index.ts'
import { type Access, line } from '../../engine/proxy/telling/access-line.ts'
import { AccessLog } from '../../engine/proxy/telling/access-log.ts'
import { createCounters, readCounters } from '../../engine/proxy/telling/counters.ts'
import { eventually } from '../support/eventually.ts'
import { exchangeRaw, head, startOrigin, startRig } from './rig.ts'

const ACCESS: Access = {
  method: 'GET',
  host: 'a"b',
  path: `/x\u0007${'y'.repeat(3000)}?secret`,
  status: 200,
  bytes: 1,
  bytesIn: 0,
  durationMs: 1.23456,
  firstByteUs: -1,
  service: '',
  route: '',
  endpoint: '',
  attempts: 1,
  reason: '',
  remote: '::1',
  client: '::1',
  protocol: '1.1',
  isSecure: false,
  requestId: '',
  request: { headers: {} } as IncomingMessage,
}

/** A proxy whose lines are read as they come. */
async function logged(t: TestContext, config: Partial<ConfigInput> = {}) {
  let text = ''
  const origin = await startOrigin((request, response) => {
    request.resume()
    response.statusCode = request.url === '/broken' ? 500 : 200
    request.on('end', () => response.end('hello'))
  })
  t.after(() => origin.close())
  const rig = await startRig([origin.url], {
    ...config,
    options: { onAccessLines: lines => (text += Buffer.from(lines).toString()) },
  })
  t.after(() => rig.close())
  const read = (): Record<string, unknown>[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map(each => JSON.parse(each))
  const lines = async (count: number): Promise<Record<string, unknown>[]> => {
    await eventually(`${count} lines are there`, () => read().length >= count)
    return read()
  }
  return { rig, lines }
}

describe('the access log', () => {
  it('tells one line a request, without the query', async t => {
    const { rig, lines } = await logged(t)
    await fetch(`${rig.url}/a?secret=1`)
    await fetch(`${rig.url}/"b`, { method: 'PUT', body: 'xyz' })
    const [first, second] = await lines(2)
    const { time, durationMs, firstByteMs, requestId, ...rest } = first
    assert.ok(Math.abs(Number(time) - Date.now()) < 60_000)
    assert.ok(Number(firstByteMs) > 0 && Number(durationMs) >= Number(firstByteMs))
    assert.match(String(requestId), /^[0-9a-f-]{36}$/)
    assert.deepEqual(rest, {
      level: 30,
      msg: 'request',
      method: 'GET',
      host: `127.0.0.1:${rig.port}`,
      path: '/a',
      status: 200,
      bytes: 5,
      bytesIn: 0,
      attempts: 1,
      remote: '127.0.0.1',
      client: '127.0.0.1',
      protocol: '1.1',
      tls: false,
      service: 'api',
      endpoint: 'e0',
    })
    assert.deepEqual([second.path, second.bytesIn], ['/%22b', 3])
  })

  it('names the client behind a trusted proxy beside the peer', async t => {
    const { rig, lines } = await logged(t, { trustedProxies: ['127.0.0.0/8'] })
    await exchangeRaw(rig.port, head('/', 'X-Forwarded-For: 6.6.6.6, 1.2.3.4, 127.0.0.9'))
    const [{ remote, client }] = await lines(1)
    assert.deepEqual([remote, client], ['127.0.0.1', '1.2.3.4'])
  })

  it('shows the headers that were asked for, bounded, and never more', async t => {
    const { rig, lines } = await logged(t, { log: { access: { headers: ['User-Agent', 'x-none', 'x-two'] } } })
    await exchangeRaw(
      rig.port,
      head('/', `User-Agent: \u009b31m"${'u'.repeat(300)}`, 'Cookie: a=b', 'X-Two: 1', 'X-Two: 2'),
    )
    const [{ headers }] = await lines(1)
    assert.deepEqual(headers, { 'user-agent': `\u009b31m"${'u'.repeat(251)}`, 'x-two': '1, 2' })
  })

  it('leaves requests out by the sample, but none that failed', async t => {
    const { rig, lines } = await logged(t, { log: { access: { sample: '0%', slow: '0s' } } })
    for (const path of ['/a', '/broken', '/b', '/broken']) await (await fetch(rig.url + path)).text()
    const told = await lines(2)
    assert.deepEqual(
      told.map(({ path, status }) => [path, status]),
      [
        ['/broken', 500],
        ['/broken', 500],
      ],
    )
  })
})

describe('line()', () => {
  it('is one line of JSON, whatever was asked for', () => {
    const text = line(ACCESS, 5)
    assert.equal(text.indexOf('\n'), text.length - 1)
    const read = JSON.parse(text)
    assert.equal(read.host, 'a"b')
    assert.equal(read.time, 5)
    assert.equal(read.durationMs, 1.235)
    assert.equal('service' in read || 'firstByteMs' in read || 'requestId' in read || 'sample' in read, false)
  })

  it('is bounded, and has no query', () => {
    const { path } = JSON.parse(line(ACCESS, 5))
    assert.equal(path.length, 2048)
    assert.ok(path.startsWith('/x\u0007y'))
    assert.equal(JSON.parse(line({ ...ACCESS, path: '/a?b' }, 5)).path, '/a')
  })

  it('leaves no control byte bare, and says every character', () => {
    const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('')
    for (const special of [...all, '\u2028', '\u2029', '\ud800']) {
      const path = `/${special}`
      const text = line({ ...ACCESS, path, requestId: special }, 5)
      assert.doesNotMatch(text.slice(0, -1), /[^ -~\u00a0-\u00ff]/)
      assert.equal(JSON.parse(text).path, special === '?' ? '/' : path)
    }
  })

  it('writes durations to the microsecond', () => {
    for (const [durationMs, read] of [
      [0, 0],
      [0.0004, 0],
      [0.9996, 1],
      [12.0301, 12.03],
      [86_400_000.5, 86_400_000.5],
    ]) {
      assert.equal(JSON.parse(line({ ...ACCESS, durationMs }, 5)).durationMs, read)
    }
  })
})

describe('the name of a route', () => {
  it('is told of what it took, whether sent on, split or answered by the route itself', async t => {
    const { rig, lines } = await logged(t, {
      routes: [
        { name: 'api.v1', match: { path: '/one' }, service: 'api' },
        { name: 'sides', match: { path: '/two' }, split: { api: 1 } },
        { name: 'away', match: { path: '/three' }, redirect: { host: 'b.example' } },
        { name: 'health', match: { path: '/four' }, respond: { body: 'ok' } },
        { match: { path: '/five' }, service: 'api' },
      ],
    })
    const paths = ['/one', '/two', '/three', '/four', '/five', '/none']
    for (const path of paths) await exchangeRaw(rig.port, head(path))
    assert.deepEqual(
      (await lines(paths.length)).map(({ path, route }) => [path, route]),
      [
        ['/one', 'api.v1'],
        ['/two', 'sides'],
        ['/three', 'away'],
        ['/four', 'health'],
        ['/five', undefined],
        ['/none', undefined],
      ],
    )
  })
})

describe('AccessLog', () => {
  const config = { sample: 0.25, slow: 1000, headers: [] }

  it('draws a share of the ordinary requests, and takes all that the service did wrong or slowly', () => {
    let drawn = 0.3
    const log = new AccessLog(
      () => {},
      createCounters(),
      config,
      () => drawn,
    )
    assert.deepEqual(
      [log.shareOf(200, 1, ''), log.shareOf(404, 1, 'no-route'), log.shareOf(0, 1, 'downstream-gone')],
      [0, 0, 0],
    )
    assert.deepEqual(
      [log.shareOf(500, 1, ''), log.shareOf(200, 1000, ''), log.shareOf(200, 1, 'upstream-broke')],
      [1, 1, 1],
    )
    drawn = 0.2
    assert.deepEqual([log.shareOf(200, 1, ''), log.shareOf(502, 1, '')], [0.25, 1])
  })

  it('says of a line that was drawn how many are like it', () => {
    assert.equal(JSON.parse(line(ACCESS, 5, 0.25)).sample, 0.25)
  })

  it('hands lines over together, and never in the middle of a request', async () => {
    const handed: string[] = []
    const log = new AccessLog(lines => void handed.push(Buffer.from(lines).toString()), createCounters())
    // A line here has some 2,300 characters, so 64 KiB are reached by the 29th.
    for (let i = 0; i < 40; i++) log.write(ACCESS)
    assert.equal(handed.length, 0)
    await eventually('the batch was handed over', () => handed.length === 1)
    assert.equal(handed[0].split('\n').length, 41)
    log.write(ACCESS)
    await eventually('what is left is handed over by the timer', () => handed.length === 2)
  })

  it('drops lines and counts them while nobody takes them, and goes on afterwards', () => {
    const counters = createCounters()
    let ahead = 0
    const log = new AccessLog(lines => (ahead += lines.length), counters)
    // 4 MiB are at most 4,194,304 ÷ 2,000 lines.
    for (let i = 0; i < 3000; i++) {
      log.write(ACCESS)
      if (i % 20 === 0) log.flush()
    }
    log.flush()
    const { droppedAccessLines } = readCounters(counters)
    assert.equal(droppedAccessLines, 3000 - ahead / line(ACCESS, Date.now()).length)
    assert.ok(droppedAccessLines > 0)
    log.taken(ahead)
    log.write(ACCESS)
    assert.equal(readCounters(counters).droppedAccessLines, droppedAccessLines)
    log.flush()
  })
})
