import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readConfig, validateConfig } from '../../engine/config/load.ts'
import { parseConfig } from '../../engine/config/parse.ts'
import { makeAuthority } from '../support/certificates.ts'

const authority = makeAuthority()
const mine = authority.sign('mine', 'DNS:mine')
const other = authority.sign('other', 'DNS:other')
const folder = mkdtempSync(join(tmpdir(), 'signalbox-config-'))
after(() => {
  authority.remove()
  rmSync(folder, { recursive: true, force: true })
})

function faults(service: string): string[] {
  const result = parseConfig(`services: { a: { endpoints: [{ url: "https://b" }], ${service} } }`, { env: {} })
  return 'problems' in result ? result.problems.map(({ path, message }) => `${path}: ${message}`) : []
}

test('tls of a service says what does not go together', () => {
  const cases: [string, string][] = [
    ['tls: { key: k }', 'services.a.tls.cert: missing; there is a key, so write the certificate it is of'],
    ['tls: { cert: c }', 'services.a.tls.key: missing; there is a cert, so write the file of its key'],
    [
      'tls: { ca: c, verify: false }',
      'services.a.tls.ca: is not used while verify is false; remove verify: false, or remove this',
    ],
    [
      'tls: { serverName: 10.0.0.1 }',
      'services.a.tls.serverName: "10.0.0.1" is an address; write a host name, or leave it out where the url has that address',
    ],
    ['connections: { keepAlive: 1ms }', 'services.a.connections.keepAlive: 1ms is too little; write 10ms or more'],
  ]
  for (const [service, fault] of cases) assert.deepEqual(faults(service), [fault])
  assert.deepEqual(faults('tls: {}, protocol: http2, connections: { warm: 2 }'), [])
})

test('tls of a service without an https endpoint is refused: who writes it believes that there is some', () => {
  const result = parseConfig('services: { a: { endpoints: [{ url: "http://b" }], tls: {} } }', { env: {} })
  assert.ok('problems' in result)
  assert.match(result.problems[0].message, /^is not used, for no endpoint of the service has an https url/)
})

test('validateConfig() reads the files of tls and says which is wrong, and why', () => {
  const missing = join(folder, 'none.pem')
  const wrong = join(folder, 'wrong.pem')
  writeFileSync(wrong, 'no certificate')
  const cases: [Record<string, string>, RegExp][] = [
    [{ ca: missing }, /services\.a\.tls\.ca: cannot read .*none\.pem: there is no such file/],
    [{ ca: folder }, /services\.a\.tls\.ca: .* is not a file/],
    [{ ca: wrong }, /services\.a\.tls\.ca: .*wrong\.pem holds no certificate/],
    [{ cert: mine.certFile, key: wrong }, /services\.a\.tls\.key: .*wrong\.pem holds no private key/],
    [{ cert: mine.certFile, key: other.keyFile }, /services\.a\.tls\.key: .* is not the key of the certificate in/],
  ]
  for (const [tls, fault] of cases) {
    assert.throws(() => validateConfig({ services: { a: { endpoints: [{ url: 'https://b' }], tls } } }), fault)
  }
  const tls = { ca: authority.ca, cert: mine.certFile, key: mine.keyFile }
  const config = validateConfig({ services: { a: { endpoints: [{ url: 'https://b' }], tls } } })
  assert.deepEqual(config.services.a.tls, { ...tls, verify: true, minVersion: 'TLSv1.2' })
})

test('readConfig() finds the files of tls in the folder of the config, and names the place of a fault', async () => {
  const file = join(folder, 'signalbox.yaml')
  const text = (ca: string): string =>
    `services:\n  a:\n    endpoints: [{ url: "https://b" }]\n    tls: { ca: ${ca} }\n`
  writeFileSync(join(folder, 'ca.pem'), mine.cert)
  writeFileSync(file, text('ca.pem'))
  const good = await readConfig(file, {})
  assert.ok('config' in good)
  assert.equal(good.config.services.a.tls?.ca, join(folder, 'ca.pem'))
  writeFileSync(file, text('other.pem'))
  const bad = await readConfig(file, {})
  assert.ok('problems' in bad)
  const [{ line, column, path }] = bad.problems
  assert.deepEqual([line, column, path], [4, 16, 'services.a.tls.ca'])
})
