import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { type ConfigInput, createSignalbox } from '../../engine/index.ts'
import { startProxy } from '../../engine/proxy/proxy.ts'
import { createDurations, Durations, readDurations } from '../../engine/proxy/telling/durations.ts'
import { eventually } from '../support/eventually.ts'
import { startOrigin, startRig } from './rig.ts'

function countersOf(words: Int32Array, services: string[]): Durations {
  const durations = new Durations(words)
  for (const [index, service] of services.entries()) durations.settleIn(index, service)
  return durations
}

describe('Durations', () => {
  it('counts by service and class of status, and adds up over threads', () => {
    const threads = [createDurations(2), createDurations(2)]
    const [a, b] = threads.map(words => countersOf(words, ['api', 'web']))
    a.count(0, 200, 900, 800, 0)
    b.count(0, 204, 1_000, 1_001, 2)
    b.count(0, 503, 20_000_000, -1, 1)
    a.count(1, 0, 7_000, -1, 0)
    a.count(-1, 404, 300, -1, 0)
    const { boundsS, services } = readDurations(threads, ['api', 'web'])
    assert.deepEqual(boundsS, [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
    const times = (counts: Record<number, number>, sumS: number) => ({
      buckets: Array.from({ length: 14 }, (_, i) => counts[i] ?? 0),
      sumS,
    })
    assert.deepEqual(services, [
      {
        service: 'api',
        // A bound is part of its bucket. Each thread keeps what it has beyond whole ms to itself: 0.9 ms are not told yet.
        durations: { '2xx': times({ 0: 2 }, 0.001), '5xx': times({ 13: 1 }, 20) },
        firstByte: times({ 0: 1, 1: 1 }, 0.001),
        retries: 3,
      },
      { service: 'web', durations: { none: times({ 3: 1 }, 0.007) }, firstByte: times({}, 0), retries: 0 },
      { service: '', durations: { '4xx': times({ 0: 1 }, 0) }, firstByte: times({}, 0), retries: 0 },
    ])
  })

  it('loses nothing of what is less than a millisecond', () => {
    const words = createDurations(1)
    const durations = countersOf(words, ['a'])
    for (let i = 0; i < 1000; i++) durations.count(0, 200, 333, -1, 0)
    assert.equal(readDurations([words], ['a']).services[0].durations['2xx']?.sumS, 0.333)
  })

  it('takes a status that does not exist for a server error, and writes to no place but its own', () => {
    const words = createDurations(1)
    countersOf(words, ['a']).count(0, 999, 1, -1, 0)
    const [service] = readDurations([words], ['a']).services
    assert.deepEqual(Object.keys(service.durations), ['5xx'])
    assert.equal(words.filter(word => word !== 0).length, 2, 'the count, and whose it is')
  })

  it('forgets the service before when its index goes to another, which nobody reads as that one meanwhile', () => {
    const threads = [createDurations(1), createDurations(1)]
    const [a, b] = threads.map(words => countersOf(words, ['old']))
    a.count(0, 200, 1_999, 1, 3)
    b.count(0, 200, 1_999, 1, 3)
    const counted = (service: string) => {
      const { durations, firstByte, retries } = readDurations(threads, [service]).services[0]
      return [durations['2xx']?.buckets[1] ?? 0, durations['2xx']?.sumS ?? 0, firstByte.buckets[0], retries]
    }
    assert.deepEqual(counted('old'), [2, 0.002, 2, 6])
    a.settleIn(0, 'old')
    assert.deepEqual(counted('old'), [2, 0.002, 2, 6], 'it is the same')
    assert.deepEqual(counted('new'), [0, 0, 0, 0], 'no thread counts for it yet')
    a.settleIn(0, 'new')
    a.count(0, 200, 1_001, 1, 0)
    // 0.999 ms that the old one had beyond whole ones would make it two.
    assert.deepEqual(counted('new'), [1, 0.001, 1, 0])
    assert.deepEqual(counted('old'), [1, 0.001, 1, 3], 'the other thread has not heard of it')
  })

  it('counts on across 2^32', () => {
    const words = createDurations(1)
    const durations = countersOf(words, ['a'])
    words[2 * 16] = -1
    assert.equal(readDurations([words], ['a']).services[0].durations['2xx']?.buckets[0], 2 ** 32 - 1)
    durations.count(0, 200, 1, -1, 0)
    assert.equal(readDurations([words], ['a']).services[0].durations['2xx'], undefined)
  })
})

test('RunningProxy.requests() has what its threads measured, by service', async t => {
  const origin = await startOrigin((_, response) => response.end('hello'))
  t.after(() => origin.close())
  const rig = await startRig([origin.url])
  t.after(() => rig.close())
  for (let i = 0; i < 3; i++) await (await fetch(rig.url)).text()
  const sum = (numbers: readonly number[] = []): number => numbers.reduce((total, each) => total + each, 0)
  const read = () => rig.proxy.requests().services[0]
  await eventually('all are over', () => sum(read().durations['2xx']?.buckets) === 3)
  assert.deepEqual([read().service, sum(read().firstByte.buckets), read().retries], ['api', 3, 0])
})

test('RunningProxy.requests() shows none of a removed service as those of the one that has its index now', async t => {
  const origin = await startOrigin((_, response) => response.end('hello'))
  t.after(() => origin.close())
  const configOf = (...names: string[]) =>
    ({
      listen: '127.0.0.1:0',
      workers: 1,
      services: Object.fromEntries(names.map(name => [name, { endpoints: [{ url: origin.url }] }])),
      routes: names.map(name => ({ match: { path: `/${name}` }, service: name })),
    }) as ConfigInput
  const box = await createSignalbox(configOf('first', 'stays'), { capacity: { services: 2 }, log: () => {} })
  const proxy = await startProxy(box)
  t.after(async () => {
    await proxy.close()
    await box.close()
  })
  const ask = async (name: string) => (await fetch(`http://127.0.0.1:${proxy.addresses[0].port}/${name}`)).text()
  const countOf = (name: string): number => {
    const found = proxy.requests().services.find(({ service }) => service === name)
    return found?.durations['2xx']?.buckets.reduce((sum, each) => sum + each, 0) ?? 0
  }
  await ask('first')
  await ask('first')
  await eventually('both are counted', () => countOf('first') === 2)
  await box.reload(configOf('stays'))
  // There is room for it once nobody sees the other one any more, and its connections are closed.
  await eventually('there is room', () => box.reload(configOf('stays', 'second')))
  assert.equal(proxy.requests().services[0].service, 'second', 'it has the index of the first')
  assert.equal(countOf('second'), 0)
  await ask('second')
  await eventually('its own is counted', () => countOf('second') === 1)
})
