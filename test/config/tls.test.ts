import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { loadConfig, readConfig } from '../../engine/config/load.ts'
import { parseConfig } from '../../engine/config/parse.ts'
import { formatProblems } from '../../engine/config/problems.ts'
import { type CertificateFolder, certificateFolder } from '../support/certificates.ts'

const NO_ENV = {}

function parse(listen: string) {
  return parseConfig(`services: { a: {} }\nlisten: ${listen}`, { env: NO_ENV })
}

function messages(listen: string): string[] {
  const result = parse(listen)
  return 'problems' in result ? formatProblems('', result.problems).split('\n') : []
}

describe('listen.tls', () => {
  test('is read with its defaults', () => {
    const result = parse('{ address: 443, tls: { cert: a.pem, key: a.key } }')
    assert.ok('config' in result)
    assert.deepEqual(result.config.listen, [
      {
        address: '127.0.0.1',
        port: 443,
        tls: { cert: 'a.pem', key: 'a.key', sni: [], clientAuth: 'none', minVersion: 'TLSv1.2', http2: true },
        proxyProtocol: false,
      },
    ])
  })

  test('is read with every key, names in lower case', () => {
    const sni = '[{ hosts: [A.example, "*.Example.com"], cert: b.pem, key: b.key }]'
    const keys = `cert: a.pem, key: a.key, sni: ${sni}, clientCa: ca.pem, clientAuth: optional, minVersion: TLSv1.3, http2: false`
    const result = parse(`[{ address: 443, tls: { ${keys} }, proxyProtocol: true }]`)
    assert.ok('config' in result)
    assert.deepEqual(result.config.listen[0], {
      address: '127.0.0.1',
      port: 443,
      tls: {
        cert: 'a.pem',
        key: 'a.key',
        sni: [{ hosts: ['a.example', '*.example.com'], cert: 'b.pem', key: 'b.key' }],
        clientCa: 'ca.pem',
        clientAuth: 'optional',
        minVersion: 'TLSv1.3',
        http2: false,
      },
      proxyProtocol: true,
    })
  })

  const REFUSED: [listen: string, message: string][] = [
    ['{ address: 1, tls: {} }', '2:28: listen.tls.cert: missing; write the path of a PEM file with the certificate and its chain\n2:28: listen.tls.key: missing; write the path of a PEM file with the private key'],
    ['{ address: 1, tls: { cert: c } }', '2:28: listen.tls.key: missing; write the path of a PEM file with the private key'],
    ['{ address: 1, tls: { cert: "", key: k } }', '2:36: listen.tls.cert: "" is not a file path; write the path of a PEM file with the certificate and its chain'],
    ['{ address: 1, tls: { cert: c, key: k, sni: [{ hosts: [], cert: c, key: k }] } }', '2:62: listen.tls.sni[0].hosts: is an empty list; write at least one'],
    ['{ address: 1, tls: { cert: c, key: k, sni: [{ hosts: ["a.*"], cert: c, key: k }] } }', '2:63: listen.tls.sni[0].hosts[0]: "a.*" is not a server name; write a host name such as a.example or *.example.com'],
    ['{ address: 1, tls: { cert: c, key: k, sni: [{ hosts: [127.0.0.1], cert: c, key: k }] } }', '2:63: listen.tls.sni[0].hosts[0]: "127.0.0.1" is not a server name; write a host name such as a.example or *.example.com'],
    ['[{ address: 1, tls: { cert: c, key: k, sni: [{ hosts: [a.b], cert: c, key: k }, { hosts: [A.B.], cert: c, key: k }] } }]', '2:99: listen[0].tls.sni[1].hosts[0]: "a.b" is a name of sni[0] too; write each name once'],
    ['{ address: 1, tls: { cert: c, key: k, clientAuth: required } }', '2:28: listen.tls.clientCa: missing; clientAuth is required, so write the file of the authorities that are accepted'],
    ['{ address: 1, tls: { cert: c, key: k, clientCa: a } }', '2:57: listen.tls.clientCa: is not used while clientAuth is none; write clientAuth: required or optional, or remove it'],
    ['{ address: 1, tls: { cert: c, key: k, minVersion: TLSv1 } }', '2:59: listen.tls.minVersion: "TLSv1" is not a TLS version; write one of TLSv1.2, TLSv1.3'],
    ['{ address: 1, tls: { cert: c, key: k, ca: x } }', '2:47: listen.tls.ca: unknown key; the keys known here are cert, key, sni, clientCa, clientAuth, minVersion, http2'],
    ['{ address: 1, proxyProtocol: v2 }', '2:38: listen.proxyProtocol: "v2" is not true or false'],
  ] // biome-ignore format: pairs read better in rows
  for (const [listen, message] of REFUSED) {
    test(`${listen} is refused`, () => assert.equal(messages(listen).join('\n'), message))
  }
})

describe('the files of certificates', () => {
  let folder: CertificateFolder
  before(() => {
    folder = certificateFolder()
    folder.make('a', 'a.example')
    folder.make('b', 'b.example')
  })
  after(() => folder.remove())

  /** What is wrong with a config whose listener has these keys; the file is in the folder of the certificates. */
  async function problems(tls: string): Promise<string[]> {
    const file = folder.path('signalbox.yaml')
    writeFileSync(file, `services: { a: {} }\nlisten: { address: 1, tls: { ${tls} } }\n`)
    const result = await readConfig(file, NO_ENV)
    return 'problems' in result ? result.problems.map(({ path, message }) => `${path}: ${message}`) : []
  }

  test('are found in the folder of the config file, wherever the process stands', async () => {
    assert.deepEqual(await problems('cert: a.pem, key: a.key'), [])
    const { listen } = await loadConfig(folder.path('signalbox.yaml'), NO_ENV)
    assert.equal(listen[0]?.tls?.cert, folder.path('a.pem'))
    assert.equal(listen[0]?.tls?.key, folder.path('a.key'))
  })

  test('that are missing, folders or no certificates are told with place, file and reason', async () => {
    mkdirSync(folder.path('sub'))
    writeFileSync(folder.path('text.pem'), 'hello')
    const broken = readFileSync(folder.path('a.pem'), 'latin1').replace(/\n[A-Za-z0-9]{8}/, '\nAAAAAAAA')
    writeFileSync(folder.path('broken.pem'), broken)
    const missing = await problems('cert: none.pem, key: a.key, clientCa: text.pem, clientAuth: required')
    assert.deepEqual(missing, [
      `listen.tls.cert: cannot read ${folder.path('none.pem')}: there is no such file; write the path of one that is there`,
      `listen.tls.clientCa: ${folder.path('text.pem')} holds no certificate; write a PEM file of certificate authorities`,
    ])
    assert.match((await problems('cert: sub, key: a.key'))[0]!, /^listen\.tls\.cert: .*sub is not a file; /)
    assert.match(
      (await problems('cert: text.pem, key: a.key'))[0]!,
      /^listen\.tls\.cert: .* holds no certificate that can/,
    )
    assert.match(
      (await problems('cert: broken.pem, key: a.key'))[0]!,
      /^listen\.tls\.cert: .* holds no certificate that/,
    )
    assert.match((await problems('cert: a.pem, key: a.pem'))[0]!, /^listen\.tls\.key: .* holds no private key that can/)
  })

  test('are refused where key and certificate are of different pairs, also under sni', async () => {
    assert.deepEqual(await problems('cert: a.pem, key: b.key'), [
      `listen.tls.key: ${folder.path('b.key')} is not the key of the certificate in ${folder.path('a.pem')}; write the one that is`,
    ])
    const [sni] = await problems('cert: a.pem, key: a.key, sni: [{ hosts: [b.example], cert: b.pem, key: a.key }]')
    assert.match(sni!, /^listen\.tls\.sni\[0\]\.key: /)
  })

  test('are refused where the key has a passphrase', async () => {
    const { createPrivateKey } = await import('node:crypto')
    const key = createPrivateKey(readFileSync(folder.path('a.key')))
    const pem = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    writeFileSync(folder.path('locked.key'), pem)
    assert.match(
      (await problems('cert: a.pem, key: locked.key'))[0]!,
      /is encrypted with a passphrase; write a key without/,
    )
  })

  test('are refused where their links lead nowhere', async () => {
    symlinkSync(folder.path('circle.key'), folder.path('circle.key'))
    assert.match(
      (await problems('cert: a.pem, key: circle.key'))[0]!,
      /: its links lead in a circle; write the path of/,
    )
  })

  test('are never repeated in what is told of them', async () => {
    const secret = 'c2VjcmV0LXNlY3JldC1zZWNyZXQ='
    writeFileSync(folder.path('bad.key'), `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`)
    const told = await problems('cert: a.pem, key: bad.key')
    assert.equal(told.length, 1)
    assert.ok(!told[0]!.includes(secret), told[0])
  })
})
