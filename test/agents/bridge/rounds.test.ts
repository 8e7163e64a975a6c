import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { pause } from '../../../agents/bridge/clock.ts'
import { Consensus, type Result } from '../../../agents/bridge/consensus.ts'
import { InlineSequencer } from '../../../agents/bridge/inline-sequencer.ts'
import type { Proposal } from '../../../agents/bridge/proposal.ts'
import { VirtualTime } from './virtual-time.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const about = (episode: number): Proposal => ({
  ...{ type: 'quarantine', subject: 'e', episode, payload: {}, rule: 'majority', timeoutMs: 1_000 },
  voters: [{ agent: 'a', incarnation: 1 }],
})

/** One agent that says yes to all; what it was shown is held by nobody here. */
function seat() {
  const clock = new VirtualTime()
  const store = new InlineSequencer({ clock }).open()
  const shown: WeakRef<object>[] = []
  const consensus = new Consensus(store, {
    ...{ agent: 'a', incarnation: 1, clock },
    vote(proposal) {
      shown.push(new WeakRef(proposal))
      return { ballot: 'yes', reason: '' }
    },
    onDecision: (_, decision) => void shown.push(new WeakRef(decision)),
  })
  const decide = (episode: number): Promise<Result> =>
    clock.until(consensus.result(consensus.propose(about(episode)), 1_000))
  const held = (): number => {
    collect()
    return shown.filter(each => each.deref() !== undefined).length
  }
  return { clock, consensus, decide, held }
}

describe('Rounds', () => {
  it('let go of what was proposed when it is decided, and remember how', async () => {
    const { clock, consensus, decide, held } = seat()
    for (let episode = 0; episode < 50; episode++) assert.equal((await decide(episode)).status, 'accepted')
    await clock.until(pause(clock, 1))
    // The 50 decisions, and what was proposed last may still be in somebody's hands.
    assert.ok(held() <= 51, `${held()} of 50 proposals and 50 decisions are held`)
    consensus.close()
  })

  it('remember a thousand that have ended, and know of those before from the store', async () => {
    const { clock, consensus, decide, held } = seat()
    const first = await decide(0)
    for (let episode = 1; episode < 1_200; episode++) await decide(episode)
    assert.ok(held() <= 1_001, `${held()} are held`)
    assert.deepEqual(await decide(0), first)
    const unheard = await clock.until(consensus.result('0'.repeat(16), 100))
    assert.equal(unheard.status, 'unknown')
    consensus.close()
  })
})
