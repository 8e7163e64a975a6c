import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Bridge } from '../../../agents/bridge/bridge.ts'
import { pause } from '../../../agents/bridge/clock.ts'
import { InlineSequencer } from '../../../agents/bridge/inline-sequencer.ts'
import { createDice } from '../../../engine/policies/dice.ts'
import { STORE_CONTRACT } from './store-contract.ts'
import { VirtualTime } from './virtual-time.ts'

for (const kind of ['without delays', 'with delays of 1 to 20 ms']) {
  describe(`the store in this very thread, ${kind}`, () => {
    for (const [i, { name, check }] of STORE_CONTRACT.entries()) {
      it(name, async () => {
        const time = new VirtualTime()
        const roll = createDice(i + 1)
        const delays = kind === 'without delays' ? {} : { delayMs: () => 1 + (roll() % 20) }
        const sequencer = new InlineSequencer({ clock: time, ...delays })
        await time.until(check(sequencer.open(), sequencer.open(), `${i}/`, time))
      })
    }
  })
}

describe('InlineSequencer', () => {
  it('answers in a later turn, also without delays', async () => {
    const sequencer = new InlineSequencer({ clock: new VirtualTime() })
    let isAnswered = false
    const asked = sequencer
      .open()
      .create('a', '1')
      .then(() => {
        isAnswered = true
      })
    assert.equal(isAnswered, false)
    await asked
  })

  it('forgets everything when it dies, and nothing where it keeps it', async () => {
    for (const keeps of [false, true]) {
      const time = new VirtualTime()
      const sequencer = new InlineSequencer({ clock: time, keeps })
      const store = sequencer.open()
      const [before, gone] = await time.until(Promise.all([store.create('a', '1'), store.create('b', '2')]))
      assert.ok(before.isMade && gone.isMade)
      await time.until(store.cas('b', undefined, gone.revision))
      const lease = await time.until(store.lease(1000))
      await time.until(store.create('held', '', lease))
      sequencer.kill(2_000)
      assert.ok(lease.lost.aborted)
      // Nobody answers within the second that it waits; what is asked after it is answered as soon as somebody does.
      await assert.rejects(time.until(store.get('a')), { code: 'SBX_STORE_SILENT' })
      assert.equal((await time.until(store.status())).term, 1)
      assert.deepEqual((await store.status()).term, 1)
      assert.deepEqual(
        (await store.list('')).entries.map(({ key }) => key),
        keeps ? ['a', 'held'] : [],
      )
      // The lease begins anew, and nobody keeps it.
      await time.until(pause(time, 1001))
      assert.equal(await store.get('held'), undefined)
      const after = await store.create('c', '')
      assert.ok(after.isMade && after.revision > before.revision)
    }
  })

  it('does not answer a store that has left, until it joins again', async () => {
    const time = new VirtualTime()
    const sequencer = new InlineSequencer({ clock: time })
    const store = sequencer.open()
    const asked = store.create('a', '1')
    store.leave()
    await assert.rejects(asked, { code: 'SBX_STORE_SILENT' })
    sequencer.join(store)
    assert.ok((await store.create('b', '1')).isMade)
  })

  it('plays the same run again, to the ms, with the same seed', async () => {
    const play = async (seed: number): Promise<{ trace: number[]; leaders: string[]; statuses: string[] }> => {
      const time = new VirtualTime()
      const roll = createDice(seed)
      const sequencer = new InlineSequencer({ clock: time, delayMs: () => 1 + (roll() % 30) })
      const leaders: string[] = []
      const bridges = ['a', 'b', 'c'].map(agent => {
        const vote = (): { ballot: 'yes'; reason: string } => ({ ballot: 'yes', reason: '' })
        const store = sequencer.open({ patienceMs: 25 + (roll() % 50) })
        const bridge = new Bridge(store, { agent, incarnation: 1, vote, leaseMs: 500, clock: time })
        bridge.register({ role: 'x', capabilities: [], health: 'healthy' })
        bridge.lead('x', () => void leaders.push(agent))
        return bridge
      })
      const results: Promise<{ status: string }>[] = []
      for (let episode = 0; episode < 5; episode++) {
        await time.until(pause(time, 500 + (roll() % 1000)))
        const there = bridges[0].discover().map(({ agent }) => agent)
        const motion = { type: 'x', subject: 'e0', episode, payload: null }
        if (there.length > 0) results.push(bridges[0].result(bridges[0].startConsensus(there, motion, 300)))
        await time.until(pause(time, roll() % 100))
        sequencer.kill(roll() % 100)
      }
      const statuses = (await time.until(Promise.all(results))).map(({ status }) => status)
      await time.until(Promise.all(bridges.map(bridge => bridge.close())))
      sequencer.close()
      return { trace: time.trace, leaders, statuses }
    }
    const first = await play(7)
    assert.deepEqual(await play(7), first)
    assert.notDeepEqual((await play(8)).trace, first.trace)
    assert.ok(first.leaders.length > 3 && first.statuses.length > 3)
  })
})
