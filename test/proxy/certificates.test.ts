import assert from 'node:assert/strict'
import { copyFileSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import { after, before, beforeEach, describe, it } from 'node:test'
import type tls from 'node:tls'
import type { ListenConfig } from '../../engine/config/schema.ts'
import { Certificates } from '../../engine/proxy/downstream/certificates.ts'
import { type CertificateFolder, certificateFolder } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { type Origin, type Rig, startOrigin } from './rig.ts'
import { shown, startTlsRig } from './tls-rig.ts'

let folder: CertificateFolder
let origin: Origin
before(async () => {
  folder = certificateFolder()
  folder.make('first', 'first.example')
  folder.make('second', 'second.example')
  folder.make('short', 'short.example', { days: 20 })
  origin = await startOrigin((_request, response) => response.end('ok'))
})
after(async () => {
  await origin.close()
  folder.remove()
})
beforeEach(() => use('first'))

/** Puts the files of this name in the place of those in use. */
function use(name: string): void {
  copyFileSync(folder.path(`${name}.pem`), folder.path('live.pem'))
  copyFileSync(folder.path(`${name}.key`), folder.path('live.key'))
}

function listener(): ListenConfig {
  const tls = { ...folder.files('live'), sni: [] }
  return {
    address: '127.0.0.1',
    port: 0,
    tls: { ...tls, clientAuth: 'none', minVersion: 'TLSv1.2', http2: true },
    proxyProtocol: false,
  }
}

const start = (): Promise<Rig> => startTlsRig([origin.url], folder.files('live'))

describe('reloadCertificates()', () => {
  it('shows the new certificate from the next handshake on; what is open goes on', async t => {
    const rig = await start()
    t.after(() => rig.close())
    const session = http2.connect(`https://127.0.0.1:${rig.port}`, { rejectUnauthorized: false })
    t.after(() => session.destroy())
    const ask = async (): Promise<string> => {
      let body = ''
      for await (const chunk of session.request({ ':path': '/' })) body += chunk
      return body
    }
    assert.equal(await ask(), 'ok')
    assert.equal(await shown(rig.port), 'first.example')
    use('second')
    assert.deepEqual(rig.proxy.reloadCertificates(), [])
    await eventually('the new one is shown', async () => (await shown(rig.port)) === 'second.example')
    assert.equal(await ask(), 'ok')
    assert.ok(rig.log.some(line => line === 'info certificate replaced'))
  })

  it('keeps the old certificate where the new one is broken or does not match, and says so', async t => {
    const rig = await start()
    t.after(() => rig.close())
    copyFileSync(folder.path('second.pem'), folder.path('live.pem'))
    const [unmatched] = rig.proxy.reloadCertificates()
    assert.match(unmatched, /live\.key is not the key of the certificate in /)
    writeFileSync(folder.path('live.pem'), 'nothing')
    const [broken] = rig.proxy.reloadCertificates()
    assert.match(broken, /holds no certificate/)
    assert.equal(await shown(rig.port), 'first.example')
    assert.equal(rig.log.filter(line => line === 'error certificate refused, the one in use stays').length, 2)
    // A thread that starts again shows what is in use, not what is in the files.
    await rig.proxy.kill(0)
    await eventually('it is back', async () => (await shown(rig.port)) === 'first.example')
    use('second')
    assert.deepEqual(rig.proxy.reloadCertificates(), [])
    await eventually('the new one is shown', async () => (await shown(rig.port)) === 'second.example')
  })

  it('fails no handshake and no request while certificates are swapped', async t => {
    const rig = await start()
    t.after(() => rig.close())
    let isOver = false
    let answered = 0
    const names = new Set<string>()
    const clients = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        names.add(await askOnce(rig.port))
        answered++
      }
    })
    for (let i = 0; i < 40; i++) {
      const before = answered
      use(i % 2 === 0 ? 'second' : 'first')
      assert.deepEqual(rig.proxy.reloadCertificates(), [])
      await eventually('requests go on', () => answered > before + 4)
    }
    isOver = true
    await Promise.all(clients)
    assert.deepEqual([...names].sort(), ['first.example', 'second.example'])
    assert.equal(rig.proxy.threads()[0].failedEntries, 0)
  })

  it('is not needed: changed files are found', async t => {
    const rig = await start()
    t.after(() => rig.close())
    use('second')
    await eventually('the new one is shown', async () => (await shown(rig.port)) === 'second.example', 30_000)
    writeFileSync(folder.path('live.pem'), 'broken')
    await eventually(
      'the broken one is told of',
      () => rig.log.some(line => line.includes('certificate refused')),
      30_000,
    )
    assert.equal(await shown(rig.port), 'second.example')
  })
})

describe('startProxy()', () => {
  it('refuses a certificate that cannot be used, naming file and reason', async () => {
    writeFileSync(folder.path('live.pem'), 'broken')
    await assert.rejects(start(), {
      code: 'SBX_CERTIFICATE_INVALID',
      message: /^Cannot use certificate: .*live\.pem holds no certificate that can be read/,
    })
  })
})

describe('Certificates', () => {
  it('tells of a certificate that expires: in 30, 7 and 1 days, and when it has', () => {
    use('short')
    const DAY_MS = 86_400_000
    const lines: string[] = []
    let now = Date.now()
    const log = (level: string, message: string, fields: Record<string, unknown> = {}): void => {
      lines.push(`${level} ${message} ${fields.days ?? ''}`.trim())
    }
    const certificates = new Certificates([listener()], log, () => now)
    const look = (daysLater: number): string[] => {
      now += daysLater * DAY_MS
      certificates.reload()
      return lines.splice(0)
    }
    // It was made for 20 days a moment ago; key files of openssl are private.
    assert.deepEqual(look(0), ['warn certificate expires soon 19'])
    assert.deepEqual(look(5), [])
    assert.deepEqual(look(9), ['warn certificate expires soon 5'])
    assert.deepEqual(look(5.5), ['warn certificate expires soon 0'])
    assert.deepEqual(look(1), ['error certificate has expired'])
    assert.deepEqual(look(1), [])
    use('second')
    assert.deepEqual(look(0), ['info certificate replaced'])
    certificates.close()
  })

  it('gives a listener other ticket keys when its authorities change, and else the same', () => {
    folder.make('old-authority', 'old', { isAuthority: true })
    folder.make('new-authority', 'new', { isAuthority: true })
    copyFileSync(folder.path('old-authority.pem'), folder.path('ca.pem'))
    const one = listener()
    const tls = { ...one.tls!, clientCa: folder.path('ca.pem'), clientAuth: 'required' as const }
    const certificates = new Certificates([{ ...one, tls }], () => {})
    const keys = (): string => Buffer.from(certificates.materials()[0]!.ticketKeys).toString('hex')
    const before = keys()
    use('second')
    certificates.reload()
    assert.equal(keys(), before)
    copyFileSync(folder.path('new-authority.pem'), folder.path('ca.pem'))
    certificates.reload()
    assert.notEqual(keys(), before)
    certificates.close()
  })
})

/** One request on a connection of its own; gives back the name in the certificate. */
function askOnce(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = https.get({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false }, response => {
      const { CN } = (response.socket as tls.TLSSocket).getPeerCertificate().subject
      response.resume()
      response.on('end', () => resolve(String(CN)))
    })
    request.on('error', reject)
  })
}
