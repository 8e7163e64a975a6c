import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge, paceMs, type Standing, UNCHECKED } from '../../../agents/health-monitor/verdict.ts'

const PATIENCE = { unhealthyAfter: 2, healthyAfter: 3 }

const CHECKS = { p: 'passed', d: 'degraded', f: 'failed', v: 'void' } as const

/** The verdicts on p(assed), d(egraded), f(ailed) and v(oid) checks, one after another, as a word of first letters. */
function story(checks: string, from: Standing = UNCHECKED): string {
  let standing = from
  let told = ''
  for (const check of checks) {
    standing = judge(standing, CHECKS[check as keyof typeof CHECKS], PATIENCE)
    told += { unhealthy: 'U', healthy: 'H', degraded: 'D', unknown: '?' }[standing.health]
  }
  return told
}

const STORIES: [checks: string, verdicts: string, why: string][] = [
  ['p', 'H', 'one passed check is enough for a newcomer'],
  ['fp', '?H', 'also after a failed one'],
  ['ff', '?U', 'two failed in a row convict a newcomer'],
  ['pfpf', 'HHHH', 'failed checks that are not in a row do not convict'],
  ['pff', 'HHU', 'two in a row do'],
  ['ffppfppp', '?UUUUUUH', 'three passed in a row bring it back, a failed one between starts the count again'],
  ['pfvf', 'HHHU', 'a void check is passed over'],
  ['pvv', 'HHH', 'a second void in a row counts as one failed'],
  ['pvvf', 'HHHU', 'and that one with the next convicts'],
  ['pdpd', 'HDHD', 'healthy or degraded is what the last passed check says'],
  ['dfdff', 'DDDDU', 'a degraded one is convicted as any other'],
  ['ffppd', '?UUUD', 'and may come back degraded'],
]

for (const [checks, verdicts, why] of STORIES) {
  test(`judge() of ${checks}: ${why}`, () => assert.equal(story(checks), verdicts))
}

const at = (health: Standing['health'], against = 0): Standing => ({ ...UNCHECKED, health, against })

test('paceMs() is the interval while an endpoint is well, and a quarter of it, 250 ms at least, while it is out', () => {
  assert.equal(paceMs(at('healthy'), false, 1000), 1000)
  assert.equal(paceMs(at('unknown'), false, 1000), 1000)
  assert.equal(paceMs(at('healthy', 1), false, 1000), 1000)
  assert.equal(paceMs(at('unhealthy'), false, 4000), 1000)
  assert.equal(paceMs(at('unhealthy'), false, 800), 250)
  assert.equal(paceMs(at('unhealthy'), false, 100), 100)
  assert.equal(paceMs(at('healthy'), true, 4000), 1000)
})

test('paceMs() is 50 ms where an unhealthy endpoint has answered, and only has to confirm it', () => {
  assert.equal(paceMs(at('unhealthy', 1), false, 4000), 50)
  assert.equal(paceMs(at('unhealthy', 1), true, 10), 10)
})
