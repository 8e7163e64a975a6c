import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_POLICY, findPolicy, POLICIES, policyNames } from '../../engine/policies/registry.ts'

test('every policy is found by its name and by each alias', () => {
  for (const policy of POLICIES) {
    for (const name of [policy.name, ...policy.aliases]) assert.equal(findPolicy(name), policy)
  }
})

test('no two policies share a name or an alias', () => {
  const names = policyNames()
  assert.equal(new Set(names).size, names.length)
})

test('the default policy is one there is', () => {
  assert.ok(findPolicy(DEFAULT_POLICY))
})

test('an unknown name finds nothing', () => {
  assert.equal(findPolicy('no-such-policy'), undefined)
})

test('the names people know from elsewhere are understood', () => {
  const known = { least_connections: 'least-request', leastconn: 'least-request', round_robin: 'round-robin' }
  for (const [theirs, ours] of Object.entries(known)) assert.equal(findPolicy(theirs)?.name, ours)
})

test('a policy says in one line what it does', () => {
  for (const { name, summary } of POLICIES) assert.match(summary, /^\S.{10,100}$/, name)
})
