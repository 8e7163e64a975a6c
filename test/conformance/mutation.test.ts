import assert from 'node:assert/strict'
import net, { type AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { startRig } from '../proxy/rig.ts'
import { readRequests } from './message.ts'
import { allowedOf, meaningOf, mutants } from './mutants.ts'

/** Connections open at once. */
const AT_ONCE = 200

/** What came at the origin of connections with these bytes that no strict reader takes any of them for. */
async function breaches(connections: readonly string[], startProxy: (originPort: number) => Promise<Running>) {
  const origin = await startOrigin()
  const proxy = await startProxy(origin.port)
  const answers: string[] = []
  const waiting = [...connections]
  const lane = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) answers.push(await send(proxy.port, next))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  await proxy.close()
  await origin.close()
  const allowed = allowedOf(connections)
  const found: string[] = []
  let arrived = 0
  for (const { messages, fault } of origin.texts().map(text => readRequests(text))) {
    if (fault !== undefined) found.push(fault)
    for (const message of messages) {
      arrived++
      const meaning = meaningOf(message, `127.0.0.1:${origin.port}`)
      const left = allowed.get(meaning) ?? 0
      allowed.set(meaning, left - 1)
      if (left <= 0) found.push(meaning)
    }
  }
  return { found, arrived, answers }
}

interface Running {
  port: number
  close(): Promise<void>
}

/** Sends it all and hears it out until the other side closes. */
function send(port: number, bytes: string): Promise<string> {
  return new Promise(resolve => {
    const socket = net.connect({ host: '127.0.0.1', port })
    let text = ''
    socket.on('connect', () => socket.write(bytes, 'latin1'))
    socket.on('data', piece => {
      text += piece.toString('latin1')
      // Told that nothing more will come: the proxy need not hear us out.
      if (text.includes('Connection: close\r\n')) socket.end()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })
}

/** Answers each request that a strict reader sees, and keeps what came on each connection. */
async function startOrigin(): Promise<Running & { texts(): string[] }> {
  const texts: string[] = []
  const sockets = new Set<net.Socket>()
  const server = net.createServer(socket => {
    const index = texts.push('') - 1
    let from = 0
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', bytes => {
      texts[index] += bytes.toString('latin1')
      const { ends, fault } = readRequests(texts[index]!.slice(from))
      from += ends.at(-1) ?? 0
      for (const _ of ends) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      if (fault !== undefined) socket.destroy()
    })
  })
  return { ...(await listening(server, () => sockets.forEach(socket => void socket.destroy()))), texts: () => texts }
}

async function listening(server: net.Server, cut: () => void): Promise<Running> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    const closed = new Promise(resolve => server.close(resolve))
    cut()
    await closed
  }
  return { port: (server.address() as AddressInfo).port, close }
}

async function startSignalbox(originPort: number): Promise<Running> {
  const limits = { headerTimeout: '500ms', bodyIdle: '500ms' }
  const { port, close } = await startRig([`http://127.0.0.1:${originPort}`], { limits })
  return { port, close }
}

/** A proxy that looks for no Transfer-Encoding, and for a request wherever one seems to begin. */
async function startBeliever(originPort: number): Promise<Running> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer(downstream => {
    const upstream = net.connect({ host: '127.0.0.1', port: originPort })
    for (const socket of [downstream, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => [downstream, upstream].forEach(each => void each.destroy()))
    }
    let text = ''
    downstream.on('data', bytes => {
      text += bytes.toString('latin1')
      for (let found = HEAD.exec(text); found !== null; found = HEAD.exec(text)) {
        const [head, line = ''] = found
        const [method, target] = line.trim().split(/\s+/)
        const length = Number(/^content-length\s*:\s*(\d+)/im.exec(head)?.[1] ?? 0)
        const id = /^x-id\s*:\s*([!-~]*)/im.exec(head)?.[1] ?? ''
        const body = text.slice(found.index + head.length).slice(0, length)
        text = text.slice(found.index + head.length + length)
        upstream.write(
          `${method} ${target} HTTP/1.1\r\nHost: a.example\r\nX-Id: ${id}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
          'latin1',
        )
      }
      // It has understood all it ever will.
      upstream.end()
    })
    upstream.pipe(downstream)
  })
  return listening(server, () => sockets.forEach(socket => void socket.destroy()))
}

const HEAD = /(?<![^\n])([A-Z]+ [^\n]*)\n[\s\S]*?\n\r?\n/

describe('good requests with one byte wrong', () => {
  it('are refused, or reach the origin as what a strict reader takes them for, and nothing else does', async t => {
    const connections = mutants()
    const { found, arrived, answers } = await breaches(connections, startSignalbox)
    assert.deepEqual(found.slice(0, 20), [], `${found.length} breaches`)
    const first = answers.map(text => /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 'none')
    const told = [...new Set(first)].sort().map(status => `${first.filter(each => each === status).length} × ${status}`)
    t.diagnostic(`${connections.length} connections, first answers ${told.join(', ')}; ${arrived} requests arrived`)
    assert.ok(arrived > connections.length / 3)
    assert.deepEqual(
      first.filter(status => !/^(200|400|408|405|413|431|501|505)$/.test(status)),
      [],
    )
  })

  it('show when they are taken for something else', async () => {
    const some = mutants().filter((_, i) => i % 13 === 0)
    const { found } = await breaches(some, startBeliever)
    assert.ok(
      found.some(meaning => meaning.includes('"/smuggled-')),
      `${found.length}`,
    )
  })
})
