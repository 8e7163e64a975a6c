import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AFFINITY_SET_WORDS,
  AFFINITY_WAYS,
  type Capacity,
  HEADER_WORDS,
  LINE_WORDS,
  layoutOf,
  OUTCOME_READ,
  OUTCOME_RECORDS,
  RECORD_WORDS,
  ROW_WORDS,
  SEAT_WORDS,
  SERVICE_WORDS,
  TOTAL_WORDS,
  TRAFFIC_WORDS,
} from '../../engine/memory/layout.ts'

const CAPACITY: Capacity = {
  rows: 100,
  services: 3,
  seats: 5,
  textBytes: 128,
  outcomes: 64,
  affinity: 64,
  choices: 1000,
}

test('layoutOf() lays the parts one after another, none over its neighbour', () => {
  const layout = layoutOf(CAPACITY)
  const ends = [
    [layout.seatsAt, HEADER_WORDS],
    [layout.endpointsAt, layout.seatsAt + 5 * SEAT_WORDS],
    [layout.servicesAt, layout.endpointsAt + 100 * ROW_WORDS],
    [layout.slotsAt, layout.servicesAt + 3 * SERVICE_WORDS],
    [layout.inflightAt, layout.slotsAt + layout.slots * layout.slotWords],
    [layout.gaugesAt, layout.inflightAt + 5 * layout.inflightStride],
    [layout.totalsAt, layout.gaugesAt + 5 * layout.gaugesStride],
    [layout.trafficAt, layout.totalsAt + 5 * layout.totalsStride],
    [layout.outcomeRingsAt, layout.trafficAt + 5 * layout.trafficStride],
    [layout.affinityAt, layout.outcomeRingsAt + 5 * layout.outcomeRingWords],
    [layout.choicesAt, layout.affinityAt + (64 / AFFINITY_WAYS) * AFFINITY_SET_WORDS],
    [layout.choicesEnd, layout.choicesAt + 256],
    [layout.textAt / 4, layout.choicesEnd],
  ]
  for (const [start, endBefore] of ends) assert.equal(start, endBefore)
  assert.equal(layout.bytes, layout.textAt + 100 * 128)
})

test('layoutOf() begins every part on a cache line of its own', () => {
  const layout = layoutOf(CAPACITY)
  const { seatsAt, endpointsAt, servicesAt, slotsAt, slotWords, inflightAt, inflightStride } = layout
  const { gaugesAt, gaugesStride, totalsAt, totalsStride, outcomeRingsAt, outcomeRingWords } = layout
  const starts = [
    seatsAt,
    endpointsAt,
    servicesAt,
    slotsAt,
    inflightAt,
    gaugesAt,
    totalsAt,
    layout.trafficAt,
    outcomeRingsAt,
    layout.affinityAt,
  ]
  for (const words of [
    ...starts,
    slotWords,
    inflightStride,
    gaugesStride,
    totalsStride,
    layout.trafficStride,
    outcomeRingWords,
  ]) {
    assert.equal(words % LINE_WORDS, 0)
  }
})

test('layoutOf() has room in each part for what the capacity promises', () => {
  const layout = layoutOf(CAPACITY)
  assert.ok(layout.inflightStride >= 100)
  assert.ok(layout.totalsStride >= 100 * TOTAL_WORDS)
  assert.ok(layout.trafficStride >= 100 * TRAFFIC_WORDS)
  assert.ok(layout.outcomeRingWords >= OUTCOME_RECORDS + 64 * RECORD_WORDS)
  assert.equal(layout.slots, 5 + 2, 'every seat may hold one slot, one is live, one is free to write')
})

test('outcome cursors of the writer and of the reader lie on different cache lines', () => {
  assert.ok(OUTCOME_READ >= LINE_WORDS)
  assert.ok(OUTCOME_RECORDS >= OUTCOME_READ + LINE_WORDS)
})
