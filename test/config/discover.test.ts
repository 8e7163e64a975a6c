import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { discoveredBy, isMark, marksOf } from '../../engine/config/discover.ts'
import { loadConfig } from '../../engine/config/load.ts'
import { parseConfig } from '../../engine/config/parse.ts'
import { formatProblems } from '../../engine/config/problems.ts'

function read(discover: string) {
  const result = parseConfig(`services: { api: { discover: ${discover} } }`, { env: {} })
  return 'config' in result ? result.config.services.api!.discover : formatProblems('', result.problems)
}

const DEFAULTS = { scheme: 'http', zone: '', weight: 1, priority: 0 } as const

test('parseConfig() reads where endpoints of a service are found, in base units', () => {
  assert.deepEqual(
    read(`[
      { dns: api.internal },
      { dns: _http._tcp.api.internal, type: srv, server: "10.0.0.53:5353", refresh: { max: 5s }, scheme: https, zone: z1, weight: 2, priority: 1 },
      { file: /etc/api.json },
      { directory: /etc/api.d },
      { registry: api } ]`),
    [
      { ...DEFAULTS, dns: 'api.internal', refresh: { min: 1_000, max: 60_000 } },
      {
        ...{ dns: '_http._tcp.api.internal', type: 'srv', server: { address: '10.0.0.53', port: 5353 } },
        ...{ refresh: { min: 1_000, max: 5_000 }, scheme: 'https', zone: 'z1', weight: 2, priority: 1 },
      },
      { ...DEFAULTS, file: '/etc/api.json' },
      { ...DEFAULTS, directory: '/etc/api.d' },
      { ...DEFAULTS, registry: 'api' },
    ],
  )
})

test('an entry names one source, and keys of names are for names alone', () => {
  assert.match(String(read('[{}]')), /discover\[0\]: names no source; write one of dns, file, directory, registry/)
  assert.match(String(read('[{ dns: a.b, file: x }]')), /names dns and file; write one of/)
  assert.match(String(read('[{ file: x, port: 80 }]')), /port: is a key of dns; leave it out beside file/)
  assert.match(String(read('[{ dns: 10.0.0.1 }]')), /"10.0.0.1" is not a name that can be resolved/)
  assert.match(String(read('[{ dns: a.b, server: "ns.test:53" }]')), /server: is a name; write the address/)
  assert.match(String(read('[{ dns: a.b, refresh: { min: 5s, max: 1s } }]')), /max: is less than min/)
  assert.match(String(read('[{ dnss: a.b }]')), /did you mean "dns"/)
})

test('files and folders of endpoints are relative to the folder of the config', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-config-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'signalbox.yaml')
  writeFileSync(file, 'services: { api: { discover: [{ file: api.json }, { directory: api.d }] } }')
  const [one, two] = (await loadConfig(file, {})).services.api!.discover
  assert.deepEqual([one!.file, two!.directory], [join(folder, 'api.json'), join(folder, 'api.d')])
})

test('what is found is marked with its source, shortly', () => {
  assert.deepEqual(
    [...marksOf([{ dns: 'API.internal' }, { file: '/etc/api.json' }, { directory: '/etc' }, { registry: 'api' }])],
    ['dns:api.internal', 'file:/etc/api.json', 'directory:/etc', 'registry:api'],
  )
  const long = discoveredBy({ file: `/${'x'.repeat(200)}` })
  assert.match(long, /^file:#[0-9a-f]{32}$/)
  assert.deepEqual(['dns:a', long, 'mine', 'dns:'].map(isMark), [true, true, false, false])
})

test('tls of a service is taken as meant where endpoints are found later', () => {
  const text = (discover: string) =>
    `services: { api: { tls: {}, endpoints: [{ url: "http://127.0.0.1:1" }], discover: ${discover} } }`
  assert.ok('problems' in parseConfig(text('[]'), { env: {} }))
  assert.ok('config' in parseConfig(text('[{ dns: a.b, scheme: https }]'), { env: {} }))
})
