import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EJECTED } from '../../engine/memory/bars.ts'
import {
  ENDPOINT_FACTS,
  markOfRow,
  readFacts,
  readServiceFacts,
  SERVICE_FACTS,
  writeFacts,
  writeServiceFacts,
} from '../../engine/memory/facts.ts'
import {
  BREAKER_PROBE,
  GENERATION,
  PANICS,
  REVISION,
  ROW_WORDS,
  SHED_FROM,
  WEIGHT_Q8,
} from '../../engine/memory/layout.ts'
import { tinyWorld } from '../support/tiny-world.ts'

/** Two regions whose clocks have nothing to do with each other. */
const [OLD_MS, NEW_MS] = [1_000_000, -2_000_000_000]

function twoWorlds() {
  const [old, next] = [tinyWorld({ a: {} }), tinyWorld({ other: {}, a: {} })]
  const from = old.row('a')
  const to = next.row('a')
  return { old, next, from, to, tables: old.attachment.endpoints, found: next.attachment.endpoints }
}

describe('facts of an endpoint', () => {
  test('come into another region as they are, and moments at their distance from now', () => {
    const { old, next, from, to, tables, found } = twoWorlds()
    tables.setBar(from, EJECTED, true)
    tables.setLatencyUs(from, 1234)
    tables.setFactor(from, 0.25)
    tables.setEjections(from, 3)
    tables.setEjectedUntil(from, OLD_MS + 30_000)
    tables.setHealthySince(from, OLD_MS - 5000)
    writeFacts(next.region, to, readFacts(old.region, from, OLD_MS), NEW_MS, 700)
    assert.deepEqual(
      [found.bars(to), found.latencyUs(to), found.factor(to), found.ejections(to)],
      [EJECTED, 1234, 0.25, 3],
    )
    // 700 ms have passed between the two.
    assert.equal(found.ejectedUntilMs(to) - NEW_MS, 30_000 - 700)
    assert.equal(found.healthySinceMs(to) - NEW_MS, -5000 - 700)
  })

  test('a moment that is long ago stays so, however often it is carried', () => {
    const { old, next, from, to, tables, found } = twoWorlds()
    tables.setEjectedUntil(from, OLD_MS - 1000)
    let facts = readFacts(old.region, from, OLD_MS)
    const week = 7 * 86_400_000
    for (let times = 0; times < 20; times++) {
      writeFacts(next.region, to, facts, NEW_MS, week)
      facts = readFacts(next.region, to, NEW_MS)
      assert.ok(facts[ENDPOINT_FACTS.indexOf('ejectedUntilMs')]! < 0, `${times}`)
    }
    // 2^30 ms is the most there is.
    assert.equal(((found.ejectedUntilMs(to) - NEW_MS) | 0) === -(2 ** 30), true)
  })

  test('neither who it is, nor its weight, nor the probe of a thread that is gone', () => {
    const { old, next, from, to } = twoWorlds()
    const words = next.region.words.subarray(next.region.layout.endpointsAt + to * ROW_WORDS)
    const before = [GENERATION, WEIGHT_Q8, BREAKER_PROBE].map(word => words[word])
    old.region.words.fill(
      77,
      old.region.layout.endpointsAt + from * ROW_WORDS,
      old.region.layout.endpointsAt + (from + 1) * ROW_WORDS,
    )
    writeFacts(next.region, to, readFacts(old.region, from, 0), 0, 0)
    assert.deepEqual(
      [GENERATION, WEIGHT_Q8, BREAKER_PROBE].map(word => words[word]),
      before,
    )
    // All others are.
    assert.deepEqual(readFacts(next.region, to, 0), Array(ENDPOINT_FACTS.length).fill(77))
  })

  test('each of them, and the weight, makes another mark', () => {
    const { old, from } = twoWorlds()
    const at = old.region.layout.endpointsAt + from * ROW_WORDS
    const changes = Array.from({ length: ROW_WORDS }, (_, word) => {
      const before = markOfRow(old.region, from, 1)
      old.region.words[at + word] ^= 0x10
      const isAnother = markOfRow(old.region, from, 1) !== before
      old.region.words[at + word] ^= 0x10
      return isAnother
    })
    assert.equal(changes.filter(Boolean).length, ENDPOINT_FACTS.length + 1)
    assert.deepEqual([changes[WEIGHT_Q8], changes[GENERATION], changes[BREAKER_PROBE]], [true, false, false])
  })
})

test('facts of a service come into another region, but for its revision', () => {
  const { old, next } = twoWorlds()
  const { words, layout } = old.region
  words[layout.servicesAt + SHED_FROM] = 2
  words[layout.servicesAt + PANICS] = 9
  const revision = next.region.words[next.region.layout.servicesAt + REVISION]
  const facts = readServiceFacts(old.region, 0)
  assert.equal(facts.length, SERVICE_FACTS.length)
  writeServiceFacts(next.region, 0, facts)
  const at = next.region.layout.servicesAt
  assert.deepEqual(
    [SHED_FROM, PANICS, REVISION].map(word => next.region.words[at + word]),
    [2, 9, revision],
  )
})
