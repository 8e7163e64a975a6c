import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { placed } from '../../native-bench/load/cores.ts'
import { BODIES, startOrigin } from '../../native-bench/load/origin.ts'
import { cpuUsOf, memoryBytesOf, treeOf } from '../../native-bench/load/process-tree.ts'
import { end } from '../../native-bench/load/programs.ts'
import { systemCallsOf } from '../../native-bench/load/system-calls.ts'
import { askClosed, hasWrk } from '../../native-bench/load/wrk.ts'

const ON_LINUX = process.platform === 'linux' ? false : 'needs /proc'

test('the origin answers as it says, also to requests that come in pieces or several at once', async t => {
  const origin = await startOrigin()
  if (origin === undefined) return t.skip('there is no g++')
  t.after(() => origin.end())
  const requests = [
    'GET /small HTTP/1.1\r\nHost: a\r\n\r\n',
    'POST /x HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 5\r\n\r\nhello',
    'POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'GET /nowhere HTTP/1.1\r\n\r\n',
    'GET /16KiB HTTP/1.1\r\nHost: a\r\n\r\n',
  ].join('')
  for (const piece of [7, requests.length]) {
    const socket = connect({ host: '127.0.0.1', port: origin.port, noDelay: true })
    let text = ''
    socket.on('data', bytes => (text += bytes.toString('latin1')))
    for (let at = 0; at < requests.length; at += piece) {
      socket.write(requests.slice(at, at + piece))
      await new Promise(resolve => setImmediate(resolve))
    }
    while (!text.endsWith(lastOf(BODIES['/16KiB']))) await once(socket, 'data')
    socket.destroy()
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
    assert.deepEqual(statuses, [200, 200, 411, 404, 200])
    assert.match(text, /X-Received: 5\r\n/)
    const lengths = [...text.matchAll(/^Content-Length: (\d+)/gm)].map(([, length]) => Number(length))
    assert.deepEqual(lengths, [BODIES['/small'], BODIES['/small'], 2, 2, BODIES['/16KiB']])
  }
})

/** How the large body ends: no two neighbours in it are alike. */
function lastOf(count: number): string {
  const at = (i: number): string => String.fromCharCode(97 + ((i + Math.floor(i / 26)) % 26))
  return Array.from({ length: 20 }, (_, i) => at(count - 20 + i)).join('')
}

test('what wrk tells is what was asked, with its errors', { skip: hasWrk() ? false : 'needs wrk' }, async t => {
  let asked = 0
  let bodies = 0
  const server = createServer((request, response) => {
    asked++
    request.on('data', piece => (bodies += piece.length))
    request.on('end', () => response.writeHead(asked % 10 === 0 ? 500 : 200).end('0123456789'))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const load = { port, path: '/', postBytes: 100, answerBytes: 10, connections: 4, seconds: 1 }
  const { requests, errors, perSecond, nsP50, nsP99 } = await askClosed(load)
  // Those that are under way at the end are not told, and it takes some time until it ends.
  assert.ok(requests > 0 && requests <= asked && asked <= requests + 4, `${requests} told, ${asked} asked`)
  assert.ok(Math.abs(errors - requests / 10) < 2, `${errors} errors`)
  assert.ok(bodies >= requests * 100)
  assert.ok(perSecond > 0 && nsP50 > 0 && nsP50 <= nsP99)
  await assert.rejects(askClosed({ ...load, answerBytes: 10_000 }), /Cannot measure: \d+ answers had \d+ bytes/)
})

test('CPU time and memory are those of a process and all below it', { skip: ON_LINUX }, async t => {
  const busy = "for (const until = performance.now() + 300; performance.now() < until; ); console.log('done')"
  const below = `const { spawn } = require('node:child_process')
    spawn(process.execPath, ['-e', ${JSON.stringify(`${busy}; setInterval(() => {}, 1000)`)}], { stdio: 'inherit' })`
  const child = spawn(...placed(process.execPath, ['-e', below], 'anywhere'), { stdio: ['ignore', 'pipe', 'inherit'] })
  const pids = [child.pid!]
  t.after(async () => {
    for (const pid of pids.slice(1)) process.kill(pid, 'SIGKILL')
    await end(child)
  })
  await once(child.stdout, 'data')
  pids.splice(0, 1, ...treeOf(child.pid!))
  assert.equal(pids.length, 2)
  assert.ok(cpuUsOf(pids) - cpuUsOf([child.pid!]) > 0)
  assert.ok(memoryBytesOf(pids) > memoryBytesOf([child.pid!]))
  assert.deepEqual([cpuUsOf([2 ** 22 + 1]), memoryBytesOf([2 ** 22 + 1])], [0, 0], 'one that is not there has none')
})

test('system calls are counted while something is done', { skip: ON_LINUX }, async t => {
  const origin = await startOrigin()
  if (origin === undefined) return t.skip('there is no g++')
  t.after(() => origin.end())
  const count = await systemCallsOf(treeOf(origin.pid), async () => {
    for (let i = 0; i < 100; i++) await fetch(`http://127.0.0.1:${origin.port}/small`).then(answer => answer.text())
  })
  // A wait, a read and a write for each, and some for connections.
  if (!Number.isNaN(count)) assert.ok(count >= 300 && count < 800, `${count}`)
})

test('who starts a program and is killed takes it along', { skip: ON_LINUX }, async t => {
  const [program, args] = placed('/bin/sleep', ['60'], 'anywhere')
  if (program === '/bin/sleep') return t.skip('needs setpriv')
  const parent = `const child = require('node:child_process').spawn(${JSON.stringify(program)}, ${JSON.stringify(args)})
    console.log(child.pid); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['-e', parent], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [pid] = await once(child.stdout, 'data')
  await end(child)
  const until = performance.now() + 5000
  while (isRunning(Number(pid)) && performance.now() < until) {
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  assert.equal(isRunning(Number(pid)), false)
})

/** What is left of one that has ended has no memory. */
function isRunning(pid: number): boolean {
  return memoryBytesOf([pid]) > 0
}
