import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Election, type Leadership } from '../../../agents/bridge/election.ts'
import type { Store } from '../../../agents/bridge/store.ts'
import { eventually } from '../../support/eventually.ts'
import { startSequencer } from './sequencer-here.ts'

/** Longer than a busy machine stands still. */
const TTL_MS = 3000

interface Standing {
  readonly candidate: string
  readonly election: Election
  readonly terms: Leadership[]
}

function stand(t: TestContext, store: Store, candidate: string): Standing {
  const terms: Leadership[] = []
  const onLead = (leadership: Leadership): void => void terms.push(leadership)
  const election = new Election(store, { role: 'orchestrator', candidate, ttlMs: TTL_MS, onLead })
  t.after(() => election.close())
  return { candidate, election, terms }
}

const isLeading = ({ terms }: Standing): boolean => terms.at(-1)?.isHeld === true

/** The one that leads, once all know it. */
async function leaderOf(all: readonly Standing[]): Promise<Standing> {
  let found: Standing | undefined
  await eventually('all agree on who leads', () => {
    const leading = all.filter(isLeading)
    found = leading[0]
    const fence = found?.terms.at(-1)?.fence
    return leading.length === 1 && all.every(({ election }) => election.leader?.fence === fence)
  })
  assert.ok(found !== undefined)
  return found
}

describe('Election', () => {
  it('has one of many lead, and all know whom', async t => {
    const keeper = await startSequencer(t)
    const all = ['a', 'b', 'c'].map(name => stand(t, keeper.open(), name))
    const leader = await leaderOf(all)
    for (const { election } of all) assert.equal(election.leader?.candidate, leader.candidate)
    assert.equal(all.flatMap(({ terms }) => terms).length, 1)
  })

  it('has another one lead as soon as one resigns, with a higher fence', async t => {
    const keeper = await startSequencer(t)
    let all = ['a', 'b', 'c'].map(name => stand(t, keeper.open(), name))
    let fence = 0
    while (all.length > 0) {
      const leader = await leaderOf(all)
      const [term] = leader.terms
      assert.ok(term.fence > fence)
      fence = term.fence
      await leader.election.close()
      assert.equal(term.isHeld, false)
      all = all.filter(each => each !== leader)
    }
  })

  it('ends a leader that cannot be heard before another one begins', async t => {
    const keeper = await startSequencer(t)
    const store = keeper.open()
    const first = stand(t, store, 'first')
    await eventually('it leads', () => isLeading(first))
    const second = stand(t, keeper.open(), 'second')
    const [term] = first.terms
    let endedAt = 0
    term.lost.addEventListener('abort', () => {
      endedAt = performance.now()
    })
    // Its way to the sequencer is cut; nobody is told.
    store.leave()
    await eventually('the second leads', () => isLeading(second))
    assert.ok(endedAt > 0 && endedAt <= performance.now())
    assert.ok(!term.isHeld && second.terms[0].fence > term.fence)
  })

  it('goes on when the sequencer has died and forgotten everything', async t => {
    const keeper = await startSequencer(t)
    const all = ['a', 'b'].map(name => stand(t, keeper.open(), name))
    const before = (await leaderOf(all)).terms[0]
    await keeper.kill()
    await eventually('the term has ended', () => before.lost.aborted)
    const after = (await leaderOf(all)).terms.at(-1)
    assert.ok(after !== undefined && after.fence > before.fence)
  })
})
