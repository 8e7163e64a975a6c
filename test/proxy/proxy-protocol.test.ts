import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import net from 'node:net'
import { after, before, describe, it } from 'node:test'
import tls from 'node:tls'
import { type CertificateFolder, certificateFolder } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { ipv4From, version2 } from '../support/proxy-headers.ts'
import { exchangeRaw, head, type Origin, type Rig, startOrigin, startRig } from './rig.ts'

let folder: CertificateFolder
let origin: Origin
before(async () => {
  folder = certificateFolder()
  folder.make('a', 'a.example')
  origin = await startOrigin((request, response) => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => response.end(`from ${request.headers['x-forwarded-for']} body ${body}.`))
  })
})
after(async () => {
  await origin.close()
  folder.remove()
})

function start({ isSecure = false, ...rest }: Record<string, unknown> = {}): Promise<Rig> {
  const tls = isSecure ? { cert: folder.path('a.pem'), key: folder.path('a.key') } : undefined
  const listen = { address: '127.0.0.1:0', ...(tls && { tls }), proxyProtocol: true }
  return startRig([origin.url], { listen, ...rest } as Parameters<typeof startRig>[1])
}

const V1 = 'PROXY TCP4 192.0.2.1 10.0.0.2 1111 443\r\n'
const V2 = version2({ addresses: ipv4From('192.0.2.2'), checksum: 'right' }).toString('latin1')

describe('proxyProtocol', () => {
  it('takes the address of the connection from a header of either version', async t => {
    const lines: string[] = []
    const rig = await start({
      options: { onAccessLines: (bytes: Uint8Array) => lines.push(Buffer.from(bytes).toString()) },
    })
    t.after(() => rig.close())
    assert.match(await exchangeRaw(rig.port, V1 + head('/')), /from 192\.0\.2\.1 body \./)
    assert.match(await exchangeRaw(rig.port, V2 + head('/')), /from 192\.0\.2\.2 body \./)
    const v6 = 'PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n'
    assert.match(await exchangeRaw(rig.port, v6 + head('/')), /from 2001:db8::1 body \./)
    await eventually('the log has it', () => /"remote":"192\.0\.2\.1".*"remote":"2001:db8::1"/s.test(lines.join('')))
  })

  it('takes the address of the balancer where the header names nobody', async t => {
    const rig = await start()
    t.after(() => rig.close())
    const local = version2({ command: 0x20, family: 0, addresses: [] }).toString('latin1')
    for (const header of [local, 'PROXY UNKNOWN\r\n']) {
      assert.match(await exchangeRaw(rig.port, header + head('/')), /from 127\.0\.0\.1 body \./)
    }
  })

  it('loses no byte behind a header, wherever it is split', async t => {
    const rig = await start()
    t.after(() => rig.close())
    const post = 'POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello'
    for (const header of [V1, V2]) {
      const bytes = header + post + head('/')
      for (const split of [1, 12, header.length - 1, header.length, header.length + 1, bytes.length - 5]) {
        const answer = await sendInPieces(rig.port, [bytes.slice(0, split), bytes.slice(split)])
        assert.match(answer, /body hello\.[\s\S]*body \./, `split at ${split}`)
      }
    }
    const slowly = await sendInPieces(rig.port, [...V2, ...head('/')])
    assert.match(slowly, /from 192\.0\.2\.2/)
  })

  it('reads on after the header: further requests of the connection, large bodies', async t => {
    const rig = await start()
    t.after(() => rig.close())
    const body = 'x'.repeat(300_000)
    const post = `POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const answer = await exchangeRaw(rig.port, V1 + post + post + head('/'))
    assert.equal(answer.match(/from 192\.0\.2\.1/g)?.length, 3)
    assert.equal(answer.match(/x{300000}\./g)?.length, 2)
  })

  it('closes a connection without a header, or with a broken one, before any byte is answered', async t => {
    const rig = await start()
    t.after(() => rig.close())
    const wrong = version2({ addresses: ipv4From('192.0.2.2'), checksum: 'wrong' }).toString('latin1')
    const bad = [
      head('/'),
      `PROXY TCP4 1.1.1.1\r\n${head('/')}`,
      wrong + head('/'),
      '\x16\x03\x01\x02\x00',
      V1.slice(1),
    ]
    for (const bytes of bad) assert.equal(await exchangeRaw(rig.port, bytes), '')
    await eventually('all are counted', () => rig.proxy.threads()[0].failedEntries === bad.length)
  })

  it('closes a connection whose header is not whole in time', async t => {
    const rig = await start({ limits: { headerTimeout: '200ms' } })
    t.after(() => rig.close())
    for (const bytes of ['', V1.slice(0, 20), V2.slice(0, 20)]) assert.equal(await exchangeRaw(rig.port, bytes), '')
    await eventually('all are counted', () => rig.proxy.threads()[0].failedEntries === 3)
  })

  it('answers a late header of a request with 408 as ever, after the other header came', async t => {
    const rig = await start({ limits: { headerTimeout: '300ms' } })
    t.after(() => rig.close())
    assert.match(await exchangeRaw(rig.port, `${V1}GET / HTTP/1.1\r\n`), /^HTTP\/1\.1 408 [\s\S]*header-timeout/)
  })

  it('judges trust by the address that the header names', async t => {
    const rig = await start({ trustedProxies: ['192.0.2.1'] })
    t.after(() => rig.close())
    const claim = head('/', 'X-Forwarded-For: 203.0.113.9')
    assert.match(await exchangeRaw(rig.port, V1 + claim), /from 203\.0\.113\.9, 192\.0\.2\.1 body/)
    assert.match(await exchangeRaw(rig.port, V2 + claim), /from 192\.0\.2\.2 body/)
  })

  it('comes before the handshake where there is TLS, with HTTP/1.1 and with HTTP/2', async t => {
    const rig = await start({ isSecure: true })
    t.after(() => rig.close())
    for (const [header, from] of [
      [V1, '192.0.2.1'],
      [V2, '192.0.2.2'],
    ]) {
      const http1 = await handshake(rig.port, header, 'http/1.1')
      assert.match(await readAll(http1, head('/')), new RegExp(`from ${from} body`))
      const socket = await handshake(rig.port, header, 'h2')
      const session = http2.connect('https://a.example', { createConnection: () => socket })
      const stream = session.request({ ':path': '/' })
      let body = ''
      for await (const chunk of stream) body += chunk
      assert.equal(body, `from ${from} body .`)
      session.close()
    }
    // A handshake where the header should be.
    const bare = tls.connect({ host: '127.0.0.1', port: rig.port, rejectUnauthorized: false })
    await assert.rejects(new Promise((resolve, reject) => bare.once('error', reject).once('secureConnect', resolve)))
  })

  it('is spoken with HAProxy, send-proxy and send-proxy-v2', {
    skip: haproxy() === undefined && 'apt-get install haproxy',
  }, async t => {
    const rig = await start()
    t.after(() => rig.close())
    const [first, second] = [await freePort(), await freePort()]
    const file = folder.path('haproxy.cfg')
    const bind = (name: string, port: number, how: string): string =>
      `listen ${name}\n  bind 127.0.0.1:${port}\n  server s 127.0.0.1:${rig.port} ${how}\n`
    const defaults = 'defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 10s\n  timeout server 10s\n'
    const v2 = 'send-proxy-v2 proxy-v2-options unique-id,crc32c'
    writeFileSync(file, defaults + bind('a', first, 'send-proxy check check-send-proxy') + bind('b', second, v2))
    const child = spawn(haproxy() as string, ['-db', '-f', file], { stdio: 'ignore' })
    t.after(() => child.kill('SIGKILL'))
    for (const port of [first, second]) {
      await eventually('HAProxy passes it on', async () =>
        /from 127\.0\.0\.1 body/.test(await exchangeRaw(port, head('/'))),
      )
    }
  })
})

function haproxy(): string | undefined {
  return ['/usr/sbin/haproxy', '/usr/local/sbin/haproxy', '/usr/bin/haproxy'].find(path => existsSync(path))
}

async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Sends pieces in packets of their own, as far as a loopback keeps them apart, and gives back all that comes. */
function sendInPieces(port: number, pieces: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
    let text = ''
    socket.on('data', bytes => {
      text += bytes.toString('latin1')
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
    let next = 0
    const send = (): void => {
      if (next < pieces.length) socket.write(pieces[next++], 'latin1', () => setImmediate(send))
    }
    socket.on('connect', send)
  })
}

function handshake(port: number, header: string, protocol: string): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const raw = net.connect({ host: '127.0.0.1', port }, () => {
      raw.write(header, 'latin1')
      const socket = tls.connect({ socket: raw, ALPNProtocols: [protocol], rejectUnauthorized: false }, () => {
        resolve(socket)
      })
      socket.on('error', reject)
    })
    raw.on('error', reject)
  })
}

async function readAll(socket: tls.TLSSocket, bytes: string): Promise<string> {
  socket.write(bytes)
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}
