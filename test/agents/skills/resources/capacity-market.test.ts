import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createTestControlPlane, defineAgent, ROSTER, stay } from '../../../../agents/index.ts'
import { tenderAwarded } from '../../../../agents/kit/member/membership-signals.ts'
import { type CapacityGrant, capacityOffered } from '../../../../agents/signals.ts'
import { capacityMarket, voteOn } from '../../../../agents/skills/resources/capacity-market.ts'
import { createSignalbox } from '../../../../engine/index.ts'
import { toldTwice } from '../mounted-twice.ts'

/** 40 requests at a time for 4 an hour: each costs 0.1, and 32 fit. */
const ENDPOINT = { id: 'a', url: 'http://127.0.0.1:1', cost: 4, capacity: 40 }

/** A plane with the resource manager and a rival that gives each request for so much; undefined: it does not want to. */
async function marketOf(t: TestContext, rivalCost: number | undefined) {
  const rival = defineAgent({
    name: 'rival',
    role: 'rival',
    capabilities: ['capacity'],
    start: () => stay(null),
    decide: state => stay(state),
    bid: () => rivalCost,
    vote: () => ({ ballot: 'yes', reason: 'fine' }),
  })
  const roster = [
    ...ROSTER.filter(({ name }) => name === 'resource-manager'),
    { name: 'rival', group: 'yours', module: import.meta.url, restart: 'permanent' } as const,
  ]
  const plane = createTestControlPlane({ roster, agents: { rival } })
  const box = await createSignalbox({ services: { api: { endpoints: [ENDPOINT] } } }, { control: plane })
  t.after(() => box.close())
  await plane.advance(10_000)
  return {
    /** What comes of asking for so many requests at a time, for a minute. */
    async ask(requests: number, reserve: number): Promise<CapacityGrant> {
      const data = { service: 'api', requests, reserve, forMs: 60_000, by: 'test' }
      const asking = plane.control.ask!({ type: 'signalbox.service.capacity-request', data }, { timeoutMs: 60_000 })
      await plane.advance(40_000)
      return (await asking).data as CapacityGrant
    },
  }
}

test('capacity goes to the lowest sealed bid for the second lowest, when all have agreed (SK-14, ALG-26)', async t => {
  const { ask } = await marketOf(t, 0.5)
  // The manager's own price for 10 is 1.
  const { status, winner, pricePerHour, fence } = await ask(10, 5)
  assert.deepEqual([status, winner, pricePerHour], ['granted', 'rival', 1])
  assert.ok(fence > 0)
})

test('who takes it alone is paid the reserve, and grants no more than it has room for (SK-14)', async t => {
  const { ask } = await marketOf(t, undefined)
  const first = await ask(20, 5)
  assert.deepEqual([first.status, first.winner, first.pricePerHour], ['granted', 'resource-manager', 5])
  // 12 are left while the first stands.
  const second = await ask(20, 5)
  assert.deepEqual([second.status, second.winner], ['refused', null])
})

test('nobody gives capacity below its price (SK-14)', async t => {
  const { ask } = await marketOf(t, 3)
  const { status, because } = await ask(10, 0.5)
  assert.deepEqual([status, because], ['refused', 'nobody takes it for that'])
})

test('capacity market mounted twice has two states, and hears nothing when it is unmounted (SK-14)', async () => {
  const award = (subject: string) =>
    tenderAwarded.of({ subject, episode: 1, winner: 'x', price: 1, fence: 1, isMine: true })
  const { first, second } = await toldTwice(key => capacityMarket.mount(key, undefined), {
    before: award('capacity/api/1/1000'),
    after: award('capacity/api/2/1000'),
  })
  assert.deepEqual([first.awards.length, second.awards.length], [2, 1])
  assert.ok(capacityOffered.isTelemetry)
  // It has won, and knows of no room.
  const proposal = { type: 'capacity-grant', subject: 'capacity/api/2/1000' } as never
  assert.equal(voteOn(first, proposal).ballot, 'no')
  assert.equal(voteOn(first, { type: 'quarantine', subject: 'x' } as never).ballot, 'abstain')
})
