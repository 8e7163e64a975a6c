import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import net from 'node:net'
import { after, before, describe, test } from 'node:test'
import tls from 'node:tls'
import { request } from 'undici'
import { freePorts } from '../../native-bench/load/programs.ts'
import { type Origin, startOrigin } from '../proxy/rig.ts'
import { type CertificateFolder, certificateFolder } from '../support/certificates.ts'
import { type Running, runSignalbox, startSignalbox } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { ipv4From, version2 } from '../support/proxy-headers.ts'

/** TLS and PROXY protocol as an operator runs them: two threads on descriptors of a parent process. */
describe('signalbox proxy with TLS behind a PROXY protocol header', () => {
  let folder: CertificateFolder
  let origin: Origin
  let running: Running
  let file = ''
  let port = 0
  let admin = ''

  before(async () => {
    folder = certificateFolder()
    folder.make('a', 'a.example')
    folder.make('b', 'b.example')
    origin = await startOrigin((incoming, response) => response.end(`from ${incoming.headers['x-forwarded-for']}`))
    const [proxyPort, adminPort] = await freePorts(2)
    port = proxyPort
    admin = `http://127.0.0.1:${adminPort}`
    file = folder.path('signalbox.yaml')
    writeFileSync(
      file,
      `listen: { address: "127.0.0.1:${port}", tls: { cert: a.pem, key: a.key }, proxyProtocol: true }
workers: 2
admin: { listen: "127.0.0.1:${adminPort}" }
log: { level: warn, access: false }
services: { web: { endpoints: [{ url: "${origin.url}" }] } }
`,
    )
    running = startSignalbox(['proxy', '--config', file])
    const ready = async (): Promise<boolean> => {
      const { statusCode, body } = await request(`${admin}/readyz`)
      await body.dump()
      return statusCode === 200
    }
    await eventually('it is ready', ready, 30_000)
  })
  after(async () => {
    await running?.end()
    await origin?.close()
    folder?.remove()
  })

  test('every connection is served as the one its header names, over HTTP/2', async () => {
    for (let i = 1; i <= 12; i++) {
      const source = `192.0.2.${i}`
      const raw = net.connect({ host: '127.0.0.1', port })
      raw.write(version2({ addresses: ipv4From(source), checksum: 'right' }))
      const socket = tls.connect({ socket: raw, ALPNProtocols: ['h2'], rejectUnauthorized: false })
      const session = http2.connect('https://a.example', { createConnection: () => socket })
      let body = ''
      for await (const chunk of session.request({ ':path': '/' })) body += chunk
      assert.equal(body, `from ${source}`)
      session.close()
    }
  })

  test('check says of a key that is not that of its certificate where it stands, and exits 2', () => {
    const wrong = folder.path('wrong.yaml')
    writeFileSync(wrong, 'services: { a: {} }\nlisten: { address: 1, tls: { cert: a.pem, key: b.key } }\n')
    const { status, stderr } = runSignalbox(['check', wrong])
    assert.equal(status, 2)
    const why = `${folder.path('b.key')} is not the key of the certificate in ${folder.path('a.pem')}; write the one that is`
    assert.ok(stderr.includes(`${wrong}:2:48: listen.tls.key: ${why}`), stderr)
    assert.equal(runSignalbox(['check', file]).status, 0)
  })

  test('SIGTERM drains and exits 0', async () => {
    running.child.kill('SIGTERM')
    const { code } = await running.exited
    assert.equal(code, 0, running.output())
  })
})
