import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quarantineDecided, quarantineRequested, releaseRequested } from '../../../../agents/index.ts'
import { ISOLATED } from '../../../../engine/writer.ts'
import { dataOf, monitored, PATIENT } from '../monitored.ts'

const ask = (id: string, reason: 'failed' | 'flapping' | 'anomaly' | 'security' = 'failed') =>
  quarantineRequested.of({ service: 'api', id, reason, by: 'test' })

test('quarantine has no new request sent to the endpoint, at once, and says so (AC-29)', async t => {
  const { plane, picked, having, told, box } = await monitored(t, { knobs: { quarantine: { failed: '60s' } } })
  await plane.advance(1_000)
  plane.hear(ask('e1', 'security'))
  assert.deepEqual([having('isolated'), picked()], [['e1'], ['e0', 'e2', 'e3']], 'before any time has passed')
  const [said] = dataOf(told('endpoint.quarantined', 'e1'))
  const { reason, by, standing, times, forMs } = said as { [key: string]: unknown; forMs: number }
  assert.deepEqual([reason, by, standing, times], ['security', 'test', 'local', 1])
  assert.ok(forMs >= 540_000 && forMs <= 660_000, `${forMs} ms`)
  assert.match(box.explain('api').endpoints[1]!.why, /not picked: isolated/)
  const { isolatedBar } = plane.control.explain!('api', 'e1')
  assert.deepEqual([isolatedBar!.value, isolatedBar!.by], [1, 'health-monitor'])
})

test('quarantine of one that failed ends when three checks in a row have passed, four times as often as usual (AC-29)', async t => {
  const { plane, broken, having, told } = await monitored(t)
  await plane.advance(1_000)
  broken.add('e1')
  plane.hear(ask('e1'))
  await plane.advance(5_000)
  assert.deepEqual(having('isolated'), ['e1'])
  broken.delete('e1')
  // At most 100 ms until the next look, then a check at 250 ms ± 10 % thrice: within a second.
  await plane.advance(1_000)
  assert.deepEqual(having('isolated'), [])
  assert.deepEqual(
    dataOf(told('endpoint.released', 'e1')).map(({ because }) => because),
    ['recovered'],
  )
})

test('quarantine of one that failed, and whose checks never did, lasts for its time, longer reasons included (AC-29)', async t => {
  const { plane, having, told } = await monitored(t)
  await plane.advance(1_000)
  plane.hear(ask('e1'))
  plane.hear(ask('e2', 'anomaly'))
  plane.hear(ask('e2'))
  await plane.advance(50_000)
  assert.deepEqual(having('isolated'), ['e1'])
  plane.hear(ask('e1', 'flapping'))
  plane.hear(ask('e1'))
  await plane.advance(60_000)
  assert.deepEqual(having('isolated'), ['e1'], 'it flaps besides')
  await plane.advance(80_000)
  assert.equal(dataOf(told('endpoint.released', 'e1')).length, 1)
})

test('an endpoint that is let back gets a tenth of its weight for ten seconds, and grows into the whole of it (AC-29)', async t => {
  const { plane, box, told } = await monitored(t)
  await plane.advance(1_000)
  plane.hear(ask('e1'))
  while (told('endpoint.released', 'e1').length === 0) await plane.advance(100)
  const shareAfter = async (ms: number): Promise<number> => {
    await plane.advance(ms)
    return box.explain('api').endpoints[1]!.effectiveWeight
  }
  const shares = [await shareAfter(500), await shareAfter(9_000), await shareAfter(4_000), await shareAfter(60_000)]
  assert.ok(Math.abs(shares[0]! - 0.1) < 0.01 && Math.abs(shares[1]! - 0.1) < 0.01, `${shares}`)
  assert.ok(shares[2]! > shares[1]!, `${shares}`)
  assert.equal(shares[3], 1)
})

test('quarantine of one that flaps lasts for its time, though checks pass all along (AC-29)', async t => {
  const { plane, having, told } = await monitored(t)
  plane.hear(ask('e1', 'flapping'))
  await plane.advance(107_000)
  assert.deepEqual(having('isolated'), ['e1'], '120 s less ten percent')
  await plane.advance(26_000)
  assert.deepEqual(having('isolated'), [])
  assert.equal(dataOf(told('endpoint.released', 'e1'))[0]!.because, 'recovered', 'its last checks have passed')
})

test('quarantine of one that never answers ends when its time is up, and not before (D7)', async t => {
  const { plane, broken, having, told } = await monitored(t, { knobs: PATIENT })
  broken.add('e1')
  plane.hear(ask('e1'))
  await plane.advance(53_000)
  assert.deepEqual(having('isolated'), ['e1'])
  await plane.advance(14_000)
  assert.deepEqual(having('isolated'), [])
  assert.equal(dataOf(told('endpoint.released', 'e1'))[0]!.because, 'expired')
})

test('quarantine asked for again is one entry that lasts longer, and not two (D7)', async t => {
  const { plane, broken, told, having } = await monitored(t, { knobs: PATIENT })
  broken.add('e1')
  plane.hear(ask('e1'))
  await plane.advance(40_000)
  plane.hear(ask('e1'))
  // The first would have ended at 66 s at the latest.
  await plane.advance(27_000)
  assert.deepEqual(having('isolated'), ['e1'])
  await plane.advance(40_000)
  assert.deepEqual(having('isolated'), [])
  assert.equal(told('endpoint.released', 'e1').length, 1)
  assert.deepEqual(
    dataOf(told('endpoint.quarantined', 'e1'))
      .map(({ times, standing }) => [times, standing])
      .at(-1),
    [1, 'alone'],
  )
})

test('quarantine is twice as long each time within an hour, and after a relapse (ALG-22)', async t => {
  const { plane, told, broken } = await monitored(t)
  for (let i = 0; i < 3; i++) {
    broken.add('e1')
    plane.hear(ask('e1'))
    await plane.advance(2_000)
    broken.delete('e1')
    await plane.advance(8_000)
  }
  const said = dataOf(told('endpoint.quarantined', 'e1')).filter(({ standing }) => standing === 'local')
  assert.deepEqual(
    said.map(({ times }) => times),
    [1, 2, 3],
  )
  said.forEach(({ forMs }, i) => {
    const base = 60_000 * 2 ** i
    assert.ok((forMs as number) >= base * 0.9, `${forMs} ms the ${i + 1}. time`)
  })
})

test('quarantine takes out three tenths of the endpoints, and says of the next one that too many are out (AC-29)', async t => {
  const { plane, having, told } = await monitored(t, { endpoints: 10 })
  for (let i = 0; i < 5; i++) plane.hear(ask(`e${i}`, 'security'))
  await plane.advance(100)
  assert.deepEqual(having('isolated'), ['e0', 'e1', 'e2'])
  for (const id of ['e3', 'e4']) {
    assert.deepEqual(dataOf(told('endpoint.quarantine-refused', id)), [{ service: 'api', id, because: 'too-many-out' }])
  }
})

test('quarantine of the last endpoint that is picked is refused, and so is that of one nobody knows (AC-29)', async t => {
  const { plane, box, picked, told } = await monitored(t, { endpoints: 3 })
  void box.service('api').drain('e0')
  void box.service('api').drain('e1')
  plane.hear(ask('e2'))
  plane.hear(ask('nobody'))
  await plane.advance(100)
  assert.deepEqual(picked(), ['e2'])
  assert.deepEqual(
    ['e2', 'nobody'].map(id => dataOf(told('endpoint.quarantine-refused', id))[0]!.because),
    ['last-routable', 'unknown'],
  )
})

test('release lets an endpoint back whatever checks say, asked for by signal or by the operator', async t => {
  const { plane, broken, box, having, told } = await monitored(t)
  broken.add('e1')
  plane.hear(ask('e1'))
  await plane.advance(500)
  plane.hear(releaseRequested.of({ service: 'api', id: 'e1', by: 'test' }))
  assert.deepEqual(having('isolated'), [])
  plane.hear(ask('e1'))
  box.service('api').release('e1')
  assert.deepEqual(having('isolated'), [])
  await plane.advance(2_000)
  assert.deepEqual(
    dataOf(told('endpoint.released', 'e1')).map(({ because }) => because),
    ['asked', 'asked'],
  )
})

test('a service without checks has its endpoints in quarantine tried by connecting to them, once a second', async t => {
  const { plane, broken, having } = await monitored(t, { service: {} })
  broken.add('e1')
  plane.hear(ask('e1'))
  await plane.advance(10_000)
  assert.deepEqual(having('isolated'), ['e1'])
  broken.delete('e1')
  await plane.advance(2_500)
  assert.deepEqual(having('isolated'), ['e1'], 'two have passed at most')
  await plane.advance(1_000)
  assert.deepEqual(having('isolated'), [])
})

test('a health monitor that is killed takes over whom it had kept out, and lets them back in the end', async t => {
  const { plane, broken, having, told } = await monitored(t)
  broken.add('e1')
  plane.hear(ask('e1', 'security'))
  await plane.advance(1_000)
  await plane.control.kill('health-monitor')
  await plane.advance(10_000)
  assert.deepEqual(having('isolated'), ['e1'])
  assert.equal(dataOf(told('endpoint.quarantined', 'e1')).at(-1)!.by, 'an earlier life')
  broken.delete('e1')
  await plane.advance(2_000)
  assert.deepEqual(having('isolated'), [])
})

test('an endpoint that leaves in quarantine is forgotten, and the next one of its name is picked', async t => {
  const { plane, box, picked, having } = await monitored(t)
  plane.hear(ask('e1', 'security'))
  await plane.advance(100)
  box.service('api').remove('e1')
  await plane.advance(2_000)
  box.service('api').add({ id: 'e1', url: 'http://127.0.0.1:2' })
  await plane.advance(3_000)
  assert.deepEqual([having('isolated'), picked().includes('e1')], [[], true])
})

test('a decision of other monitors is followed once, and an older one is not (D14)', async t => {
  const { plane, having } = await monitored(t, { service: {} })
  const decided = (status: 'accepted' | 'rejected', fence: number) =>
    quarantineDecided.of({
      ...{ service: 'api', id: 'e1', reason: 'security', by: 'another', forMs: 30_000 },
      ...{ status, fence, proposal: 'p' },
    })
  plane.hear(decided('accepted', 5))
  assert.deepEqual(having('isolated'), ['e1'])
  plane.hear(decided('rejected', 4))
  assert.deepEqual(having('isolated'), ['e1'], 'it was decided before')
  plane.hear(decided('rejected', 6))
  assert.deepEqual(having('isolated'), [])
  plane.hear(decided('accepted', 5))
  assert.deepEqual(having('isolated'), [], 'said again, or late')
})

test('quarantine survives nothing but its own bar: it never touches that of the operator', async t => {
  const { plane, box, having } = await monitored(t)
  box.service('api').quarantine('e1')
  plane.hear(ask('e1'))
  await plane.advance(67_000)
  assert.deepEqual([having('quarantined'), having('isolated')], [['e1'], []])
  assert.equal(box.attachment.endpoints.bars(0) & ISOLATED, 0)
})
