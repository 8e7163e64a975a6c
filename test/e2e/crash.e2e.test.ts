import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import { test } from 'node:test'
import tls from 'node:tls'
import { startOrigin } from '../proxy/rig.ts'
import { certificateFolder } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { startParent, threadsOf } from './proxy-running.ts'

const CLIENTS = 24

/** A kept connection that asks again and again, until it is ended or lost. */
interface Client {
  answered: number
  isLost: boolean
  /** Something else went wrong than the loss of its connection. */
  fault: string
  end(): void
}

test('a thread that crashes under load loses its own connections and no other, and is replaced', async t => {
  const folder = certificateFolder()
  t.after(() => folder.remove())
  folder.make('a', 'a.example')
  const origin = await startOrigin((request, response) => {
    request.resume()
    request.on('end', () => response.end('ok'))
  })
  t.after(() => origin.close())
  const listen = { address: '127.0.0.1:0', tls: { cert: folder.path('a.pem'), key: folder.path('a.key') } }
  const running = await startParent(origin, { listen })
  t.after(() => running.end())

  const clients: Client[] = []
  t.after(() => {
    for (const client of clients) client.end()
  })
  // The kernel spreads connections over the threads; more are made until each has some of both kinds.
  await eventually('both threads have connections', async () => {
    for (let i = 0; i < CLIENTS / 2; i++) clients.push(await overHttp1(running.port), await overHttp2(running.port))
    return (await threadsOf(running)).every(({ openConnections }) => openConnections > 3)
  })
  await eventually('all are served', () => clients.every(({ answered }) => answered > 3))
  const [dying, other] = await threadsOf(running)
  assert.equal(dying.openConnections + other.openConnections, clients.length)
  const engine = running.enginePid()

  process.kill(engine, 'SIGUSR2')
  const lost = (): Client[] => clients.filter(({ isLost }) => isLost)
  await eventually('its connections are lost', () => lost().length >= dying.openConnections)
  await eventually('it is replaced', async () => {
    const [again] = await threadsOf(running)
    return again.state === 'serving' && again.restarts === 1
  })
  const before = clients.map(({ answered }) => answered)
  const others = (): Client[] => clients.filter(({ isLost }) => !isLost)
  await eventually('all others go on', () => clients.every((each, i) => each.isLost || each.answered > before[i] + 20))
  assert.equal(lost().length, dying.openConnections)
  assert.equal(others().length, other.openConnections)
  assert.deepEqual([...new Set(clients.map(({ fault }) => fault))], [''])
  assert.equal(running.enginePid(), engine)

  // Who lost one makes a new one; the thread that came back takes its share.
  const again: Client[] = []
  await eventually('the new thread has connections', async () => {
    const next = await overHttp2(running.port)
    clients.push(next)
    again.push(next)
    return (await threadsOf(running))[0].openConnections > 0
  })
  await eventually('they are served', () => again.every(({ answered }) => answered > 0))
  const [, survivor] = await threadsOf(running)
  assert.deepEqual([survivor.restarts, survivor.lastError], [0, null])
  t.diagnostic(`${dying.openConnections} connections lost, ${other.openConnections} kept`)
})

test('an error that nobody catches, in the middle of uploads over HTTP/2, ends its thread and not the process', async t => {
  const folder = certificateFolder()
  t.after(() => folder.remove())
  folder.make('a', 'a.example')
  writeFileSync(
    folder.path('crash.cjs'),
    `require('node:diagnostics_channel').subscribe('signalbox:request:start', ({ request }) => {
       if (request.url === '/crash') throw new Error('crashed by a request')
     })`,
  )
  const origin = await startOrigin((request, response) => {
    request.resume()
    request.on('end', () => response.end('ok'))
  })
  t.after(() => origin.close())
  const listen = { address: '127.0.0.1:0', tls: { cert: folder.path('a.pem'), key: folder.path('a.key') } }
  const env = { NODE_OPTIONS: `--require ${folder.path('crash.cjs')}` }
  const running = await startParent(origin, { listen, workers: 1 }, 0, env)
  t.after(() => running.end())
  const engine = running.enginePid()
  for (let crash = 1; crash <= 3; crash++) {
    const clients = await Promise.all(Array.from({ length: 8 }, () => overHttp2(running.port, 8, 2000)))
    await eventually('all are served', () => clients.every(({ answered }) => answered > 3))
    clients[0].ask('/crash')
    await eventually('the thread is back', async () => {
      const [thread] = await threadsOf(running)
      return thread.restarts === crash && thread.state === 'serving' && thread.lastError === 'crashed by a request'
    })
    // Not all of them may have seen it.
    for (const client of clients) client.end()
  }
  assert.equal(running.enginePid(), engine)
})

function newClient(end: () => void): Client {
  return { answered: 0, isLost: false, fault: '', end }
}

async function overHttp1(port: number): Promise<Client> {
  const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  const client = newClient(() => socket.destroy())
  const ask = (): void => void socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello')
  let text = ''
  socket.on('data', chunk => {
    text += chunk
    // The whole answer: a head, and "ok" in the length it tells.
    if (!text.endsWith('\r\n\r\nok')) return
    if (!text.startsWith('HTTP/1.1 200 OK\r\n')) client.fault ||= text
    text = ''
    client.answered++
    ask()
  })
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  socket.on('error', () => {})
  socket.on('close', () => {
    client.isLost = true
  })
  ask()
  return client
}

/**
 * So many streams at a time, with bodies. A session of node:http2 that waits for room to send may not see that its connection was reset: where
 * that is to be seen, bodies are short.
 */
async function overHttp2(port: number, streams = 2, bytes = 500): Promise<Client & { ask(path: string): void }> {
  const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  const client = newClient(() => session.destroy())
  const ask = (path = '/'): void => {
    if (client.isLost || session.destroyed) return
    const stream = session.request({ ':method': 'POST', ':path': path })
    let status: number | undefined
    stream.on('response', headers => {
      status = headers[':status']
    })
    stream.resume()
    stream.on('error', () => {})
    stream.on('close', () => {
      // With its connection a stream ends without an answer.
      if (status !== undefined && status !== 200) client.fault ||= `status ${status}`
      if (status === 200) client.answered++
      setImmediate(() => ask())
    })
    stream.write(Buffer.alloc(bytes))
    stream.end(Buffer.alloc(10 * bytes))
  }
  await new Promise((resolve, reject) => session.once('connect', resolve).once('error', reject))
  session.on('error', () => {})
  session.on('close', () => {
    client.isLost = true
  })
  for (let i = 0; i < streams; i++) ask()
  return Object.assign(client, { ask })
}
