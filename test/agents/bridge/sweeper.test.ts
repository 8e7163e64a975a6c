import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pause } from '../../../agents/bridge/clock.ts'
import { InlineSequencer } from '../../../agents/bridge/inline-sequencer.ts'
import { Sweeper } from '../../../agents/bridge/sweeper.ts'
import { VirtualTime } from './virtual-time.ts'

async function floor() {
  const time = new VirtualTime()
  const store = new InlineSequencer({ clock: time }).open()
  const records = await Promise.all(
    ['a', 'b'].map(async key => {
      const answer = await store.create(key, '')
      assert.ok(answer.isMade)
      return { key, revision: answer.revision }
    }),
  )
  const keys = async (): Promise<string[]> => (await store.list('')).entries.map(({ key }) => key)
  return { time, store, records, keys, sweeper: new Sweeper(store, time, 100) }
}

describe('Sweeper', () => {
  it('takes records away when their time is over, and not before', async () => {
    const { time, records, keys, sweeper } = await floor()
    sweeper.sweepLater(() => records.slice(0, 1), 400)
    sweeper.sweepLater(() => records.slice(1), 1000)
    await time.until(pause(time, 350))
    assert.deepEqual(await keys(), ['a', 'b'])
    await time.until(pause(time, 200))
    assert.deepEqual(await keys(), ['b'])
    await time.until(pause(time, 600))
    assert.deepEqual(await keys(), [])
  })

  it('leaves a record that was made anew meanwhile', async () => {
    const { time, store, records, keys, sweeper } = await floor()
    sweeper.sweepLater(() => records, 400)
    await store.cas('b', undefined, records[1].revision)
    await store.create('b', 'again')
    await time.until(pause(time, 600))
    assert.deepEqual(await keys(), ['b'])
  })

  it('takes nothing away when it is closed, and lets nothing wait', async () => {
    const { time, records, keys, sweeper } = await floor()
    sweeper.sweepLater(() => records, 400)
    sweeper.close()
    await assert.rejects(time.until(new Promise(() => {})), /nothing that is to come/)
    assert.deepEqual(await keys(), ['a', 'b'])
  })
})
