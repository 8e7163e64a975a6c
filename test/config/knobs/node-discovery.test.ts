import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../../../engine/config/parse.ts'
import { printConfig } from '../../../engine/config/print.ts'
import { formatProblems } from '../../../engine/config/problems.ts'

function parse(knobs: string) {
  return parseConfig(`services: { api: {} }\nagents: { node-discovery: ${knobs} }`, { env: {} })
}

function read(knobs: string) {
  const result = parse(knobs)
  return 'config' in result ? result.config.agents['node-discovery'] : formatProblems('', result.problems)
}

test('node discovery looks every 30 s by all strategies, for 10 s at most, and by multicast in a cluster alone', () => {
  const strategies = ['static', 'dns', 'multicast', 'registry', 'file']
  assert.deepEqual(read('{}'), {
    ...{ enabled: true, strategies, interval: 30_000, timeout: 10_000, connectTimeout: 1_000 },
    ...{ riskThreshold: 0.7, topologySync: 15_000 },
    multicast: { cluster: '', secret: '', group: '239.255.83.66', port: 8946, announce: 30_000 },
  })
})

test('a strategy that is none is refused (D25)', () => {
  assert.match(String(read('{ strategies: [static, gossip] }')), /strategies\[1\]: "gossip" is not a strategy/)
  assert.match(String(read('{ multicast: { group: 10.0.0.1 } }')), /"10.0.0.1" is not a multicast group/)
})

test('the secret of a cluster is not printed', () => {
  const result = parse('{ multicast: { cluster: c, secret: hush } }')
  assert.ok('config' in result)
  const printed = printConfig(result.config)
  assert.ok(!printed.includes('hush'))
  assert.ok(printed.includes('secret: "********"'))
  assert.ok(printConfig(result.config, { secrets: 'show' }).includes('secret: hush'))
})
