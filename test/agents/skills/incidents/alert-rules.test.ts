import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ALWAYS_THERE,
  type AlertRule,
  type Breach,
  dueOf,
  isBroken,
  rulesOf,
} from '../../../../agents/skills/incidents/alert-rules.ts'

const rule = (name: string, more: Partial<AlertRule> = {}): AlertRule => ({
  ...{ name, metric: 'cpu', op: 'above', threshold: 0.5, for: 0, severity: 'warning', cooldown: 60_000 },
  ...more,
})

const breach = (of: AlertRule, subject: string, sinceMs: number): Breach => ({
  ...{ rule: of, subject, sinceMs, seenMs: sinceMs, value: 1, reason: '' },
})

test('a rule is broken above or below its threshold, and not at it (ALG-24)', () => {
  const above = rule('a')
  const below = rule('b', { op: 'below' })
  assert.deepEqual(
    [0.4, 0.5, 0.6].map(value => [isBroken(above, value), isBroken(below, value)]),
    [
      [false, true],
      [false, false],
      [true, false],
    ],
  )
})

test('of rules that are broken of one metric the severest is told, and of two alike the first (ALG-24)', () => {
  const rules = [
    rule('low', { severity: 'info' }),
    rule('high', { severity: 'critical' }),
    rule('other high', { severity: 'critical' }),
    rule('middle', { severity: 'warning' }),
    rule('memory', { metric: 'memory', severity: 'info' }),
  ]
  const due = dueOf(
    rules.map(each => breach(each, 'api/a', 0)),
    0,
  )
  assert.deepEqual(
    due.map(({ rule }) => rule.name),
    ['high', 'memory'],
  )
})

test('a rule that must be broken for a while is due when it has been (ALG-24)', () => {
  const patient = breach(rule('patient', { for: 1_000, severity: 'critical' }), 'api/a', 100)
  const quick = breach(rule('quick'), 'api/a', 100)
  assert.deepEqual(
    [1_099, 1_100].map(now => dueOf([patient, quick], now).map(({ rule }) => rule.name)),
    [['quick'], ['patient']],
  )
})

test('a rule of the config replaces the one of its name that is always there, and counts times in ms (ALG-24)', () => {
  const rules = rulesOf([rule('slow', { metric: 'response-time', threshold: 250 }), rule('mine')])
  assert.equal(rules.length, ALWAYS_THERE.length + 1)
  assert.deepEqual(
    rules.filter(({ name }) => name === 'slow').map(({ threshold }) => threshold),
    [250_000],
  )
  assert.equal(new Set(rules.map(({ name }) => name)).size, rules.length)
})
