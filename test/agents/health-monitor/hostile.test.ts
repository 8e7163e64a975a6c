import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { checkEndpoint } from '../../../agents/health-monitor/actions.ts'
import { type ExamineParams, examineEndpoint } from '../../../agents/health-monitor/examine/examine-endpoint.ts'
import { readHealthBody } from '../../../agents/health-monitor/health-body.ts'
import { sightingsAt } from '../../../agents/health-monitor/sightings.ts'
import { edgeOf, raw } from './servers.ts'

const NAMES = { row: 0, generation: 1, service: 'api', id: 'a' }
/** Whoever drips has so long; whoever is quick is not judged by it. */
const TIMEOUT_MS = 300

const basic = (url: string, type?: 'grpc' | 'tls') =>
  checkEndpoint.run({ ...NAMES, round: 0, url, path: '/up', timeoutMs: TIMEOUT_MS, ...(type && { type }) }, edgeOf())

function examineParams(url: string): ExamineParams {
  return {
    ...{ ...NAMES, ticket: 1, kind: 'deep', url, path: '/up', timeoutMs: TIMEOUT_MS, requestPath: '/shop' },
    thresholds: { cpu: 0.8, memory: 0.85, disk: 0.85, network: 0.85 },
    availability: undefined,
    availabilityGoal: 0.999,
    certificateDays: { warn: 14, critical: 3 },
    refusals: { seen: 0, max: 3 },
  }
}

const JSON_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'

/** Sends what comes first, and then a piece again and again, as fast as it is taken or every so many ms, until it is cut. */
function pour(socket: Socket, first: string, piece: string, everyMs = 0): void {
  socket.write(first)
  const next = (): void => {
    if (socket.destroyed) return
    if (socket.write(piece) || everyMs > 0) {
      setTimeout(next, everyMs)
    } else socket.once('drain', next)
  }
  next()
}

/** What an endpoint may do to whoever asks how it is, and what a basic check says of it. */
const HOSTILE: readonly (readonly [string, (socket: Socket) => void, RegExp])[] = [
  ['sends a body without end', socket => pour(socket, `${JSON_HEAD}\r\n`, 'x'.repeat(65_536)), /^passed 200/],
  ['drips its body', socket => pour(socket, `${JSON_HEAD}content-length: 9000\r\n\r\n`, ' ', 20), /^passed 200/],
  [
    'drips its header',
    socket => pour(socket, 'HTTP/1.1 200 OK\r\nx-long: ', 'x', 20),
    /^failed no answer within 300 ms/,
  ],
  [
    'sends a header without end',
    socket => pour(socket, 'HTTP/1.1 200 OK\r\n', `x-long: ${'x'.repeat(8_000)}\r\n`),
    /^failed Cannot read the answer: its head is too long/,
  ],
  [
    'promises more than it sends',
    socket => socket.end(`${JSON_HEAD}content-length: 900\r\n\r\n{"status"`),
    /^passed 200/,
  ],
  ['sends more than it promised', socket => socket.end(`${JSON_HEAD}content-length: 2\r\n\r\n{}{}{}{}`), /^passed 200/],
  [
    'promises two lengths',
    socket => socket.end(`${JSON_HEAD}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`),
    /^failed Cannot read the answer: one of its fields is none, or says again how long it is/,
  ],
  [
    'promises chunks and sends none',
    socket => socket.end(`${JSON_HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n`),
    /^failed Cannot read the answer: the size of a chunk is no number/,
  ],
  [
    'sends interim answers without end',
    socket => pour(socket, '', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', 1),
    /^failed it sends interim answers without end/,
  ],
  ['sends 100 without end', socket => pour(socket, '', 'HTTP/1.1 100 Continue\r\n\r\n'), /^failed /],
  [
    'changes the protocol',
    socket => socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    /^failed /,
  ],
  [
    'sends what is no HTTP',
    socket => socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
    /^failed Cannot read the answer: it is not HTTP\/1\.1/,
  ],
  ['hangs up at once', socket => void socket.destroy(), /^failed ECONNRESET/],
  ['resets at once', socket => void socket.resetAndDestroy(), /^failed ECONNRESET/],
  ['says nothing at all', () => {}, /^failed no answer within 300 ms/],
  ['says JSON and sends none', socket => socket.end(`${JSON_HEAD}\r\n{{{{`), /^passed 200/],
]

for (const [what, onSocket, verdict] of HOSTILE) {
  test(`an endpoint that ${what} is judged in time, by a basic check and by a deep one`, async t => {
    const url = await raw(t, socket => {
      socket.once('data', () => onSocket(socket))
    })
    const [checked, { parts }] = await Promise.all([basic(url), examineEndpoint.run(examineParams(url), edgeOf())])
    assert.match(`${checked.verdict} ${checked.reason}`, verdict)
    assert.equal(parts.length, 9)
    for (const { part, tookMs } of parts) assert.ok(tookMs < 20_000, `${part} took ${tookMs} ms`)
    for (const type of ['grpc', 'tls'] as const) assert.equal((await basic(url, type)).verdict, 'failed')
  })
}

test('a body of sixteen thousand lists in each other, and one with numbers beyond all ranges, do no harm and say nothing', async t => {
  const deep = '['.repeat(8_000) + ']'.repeat(8_000)
  assert.equal(readHealthBody(`{"status":"ok","checks":${deep}}`)?.dependencies.length, 1)
  assert.equal(readHealthBody(deep), undefined)
  const wild = '{"cpu":1e999,"memory":-0.5,"disk":"0.3","network":97,"load":NaN,"uptime":-1,"maxConnections":1.5}'
  assert.equal(readHealthBody(wild), undefined, 'NaN is no JSON')
  const { load, uptimeS } = readHealthBody(wild.replace('NaN', '-0'))!
  assert.deepEqual([load, uptimeS], [{ utilisation: 0 }, undefined])
  assert.deepEqual(readHealthBody('{"__proto__":{"cpu":1},"constructor":{"cpu":1},"cpu":0.5}')?.load, { cpu: 0.5 })
  const url = await raw(t, socket => socket.once('data', () => socket.end(`${JSON_HEAD}\r\n${wild}`)))
  assert.equal((await basic(url)).verdict, 'passed')
})

test('of a JSON body beyond sixteen thousand bytes a basic check reads nothing, and cuts it', async t => {
  const edge = edgeOf()
  let isCut = (_: unknown): void => {}
  const cut = new Promise(resolve => {
    isCut = resolve
  })
  const url = await raw(t, socket => {
    socket.once('data', () => pour(socket, `${JSON_HEAD}\r\n{"cpu":0.5,"x":"`, 'x'.repeat(8_192)))
    socket.on('close', isCut)
  })
  const { verdict } = await checkEndpoint.run({ ...NAMES, round: 0, url, path: '/', timeoutMs: 2_000 }, edge)
  assert.equal(verdict, 'passed')
  await cut
  assert.deepEqual(
    sightingsAt(edge.attachment)
      .take('test')
      .filter(({ body, load }) => body ?? load),
    [],
  )
})
