import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Consensus, type ConsensusOptions } from '../../../agents/bridge/consensus.ts'
import type { Proposal } from '../../../agents/bridge/proposal.ts'
import type { Store } from '../../../agents/bridge/store.ts'
import { eventually } from '../../support/eventually.ts'
import { unfounded } from './borne-out.ts'
import { startSequencer } from './sequencer-here.ts'

const NAMES = ['a', 'b', 'c'] as const
/** Nobody waits for it where all goes well. */
const LONG_MS = 20_000

const proposalOf = (subject: string, more: Partial<Proposal> = {}): Proposal => ({
  type: 'quarantine',
  subject,
  episode: 1,
  payload: { reason: 'silent' },
  voters: NAMES.map(agent => ({ agent, incarnation: 1 })),
  rule: 'majority',
  timeoutMs: LONG_MS,
  ...more,
})

const yes: ConsensusOptions['vote'] = () => ({ ballot: 'yes', reason: 'seen it too' })
const no: ConsensusOptions['vote'] = () => ({ ballot: 'no', reason: 'it answers' })

interface Seat {
  readonly name: string
  readonly consensus: Consensus
  readonly decided: { subject: string; status: string; fence: number }[]
}

function seat(t: TestContext, store: Store, name: string, more: Partial<ConsensusOptions> = {}): Seat {
  const decided: Seat['decided'] = []
  const consensus = new Consensus(store, {
    agent: name,
    incarnation: 1,
    vote: yes,
    onDecision: ({ subject }, { status }, fence) => void decided.push({ subject, status, fence }),
    ...more,
  })
  t.after(() => consensus.close())
  return { name, consensus, decided }
}

describe('Consensus', () => {
  it('accepts what most voters say yes to, and tells everybody the same, with the same fence', async t => {
    const keeper = await startSequencer(t)
    const seats = NAMES.map((name, i) => seat(t, keeper.open(), name, i === 2 ? { vote: no } : {}))
    const id = seats[0].consensus.propose(proposalOf('e0'))
    const results = await Promise.all(seats.map(({ consensus }) => consensus.result(id, LONG_MS)))
    const [{ status, fence }] = results
    assert.equal(status, 'accepted')
    assert.ok(fence > 0)
    for (const result of results) assert.deepEqual(result, results[0])
    for (const { decided } of seats) {
      await eventually('it is told', () => decided.length === 1)
      assert.deepEqual(decided, [{ subject: 'e0', status, fence }])
    }
    assert.deepEqual(unfounded((await keeper.open().list('')).entries), [])
  })

  it('rejects what can no longer be accepted', async t => {
    const keeper = await startSequencer(t)
    const seats = NAMES.map((name, i) => seat(t, keeper.open(), name, i > 0 ? { vote: no } : {}))
    const { status, votes } = await seats[0].consensus.result(seats[0].consensus.propose(proposalOf('e0')), LONG_MS)
    assert.equal(status, 'rejected')
    assert.equal(Object.values(votes).filter(ballot => ballot === 'no').length, 2)
  })

  it('takes those who discover the same for one, and decides it once', async t => {
    const keeper = await startSequencer(t)
    const seats = NAMES.map(name => seat(t, keeper.open(), name))
    const ids = seats.map(({ consensus }, i) => consensus.propose(proposalOf('e0', { payload: i })))
    assert.equal(new Set(ids).size, 1)
    await Promise.all(seats.map(({ consensus }) => consensus.result(ids[0], LONG_MS)))
    const { entries } = await keeper.open().list('consensus/')
    assert.equal(entries.filter(({ key }) => key.startsWith('consensus/p/')).length, 1)
    assert.equal(entries.filter(({ key }) => key.startsWith('consensus/d/')).length, 1)
  })

  it('expires where too few are there, and says who had voted', async t => {
    const keeper = await startSequencer(t)
    const alone = seat(t, keeper.open(), 'a')
    const { status, votes } = await alone.consensus.result(
      alone.consensus.propose(proposalOf('e0', { timeoutMs: 1000 })),
      LONG_MS,
    )
    assert.equal(status, 'expired')
    assert.deepEqual(votes, { a: 'yes' })
  })

  it('does not count another life of a voter, nor a stranger', async t => {
    const keeper = await startSequencer(t)
    const first = seat(t, keeper.open(), 'a')
    seat(t, keeper.open(), 'b', { incarnation: 2 })
    seat(t, keeper.open(), 'stranger')
    const id = first.consensus.propose(proposalOf('e0', { timeoutMs: 150 }))
    assert.equal((await first.consensus.result(id, LONG_MS)).status, 'expired')
  })

  it('is finished by others where who proposed it has gone', async t => {
    const keeper = await startSequencer(t)
    const [gone, ...others] = NAMES.map(name => seat(t, keeper.open(), name))
    const id = gone.consensus.propose(proposalOf('e0'))
    await eventually('it lies there', async () => (await keeper.open().get(`consensus/p/${id}`)) !== undefined)
    gone.consensus.close()
    for (const { consensus } of others) assert.equal((await consensus.result(id, LONG_MS)).status, 'accepted')
  })

  it('has an agent abstain whose judgement fails', async t => {
    const keeper = await startSequencer(t)
    const vote = (): never => assert.fail('it cannot say')
    const seats = NAMES.map((name, i) => seat(t, keeper.open(), name, i === 0 ? { vote } : {}))
    const { status, votes } = await seats[1].consensus.result(seats[1].consensus.propose(proposalOf('e0')), LONG_MS)
    assert.deepEqual([status, votes.b, votes.c], ['accepted', 'yes', 'yes'])
  })

  it('says unknown where the store does not answer, and never more', async t => {
    const keeper = await startSequencer(t)
    const alone = seat(t, keeper.open({ patienceMs: 20 }), 'a')
    await keeper.close()
    const id = alone.consensus.propose(proposalOf('e0', { timeoutMs: 50 }))
    assert.deepEqual(await alone.consensus.result(id, 50), { status: 'unknown', fence: 0, votes: {} })
    assert.deepEqual(alone.decided, [])
  })

  it('lets go of what was under way in a store that has forgotten it', async t => {
    const keeper = await startSequencer(t)
    const alone = seat(t, keeper.open(), 'a')
    const id = alone.consensus.propose(proposalOf('e0'))
    await eventually('it lies there', async () => (await keeper.open().get(`consensus/v/${id}/a`)) !== undefined)
    const result = alone.consensus.result(id, LONG_MS)
    await keeper.kill()
    assert.equal((await result).status, 'unknown')
  })

  it('takes its records away after a while, and still knows the decision', async t => {
    const keeper = await startSequencer(t)
    const seats = NAMES.map(name => seat(t, keeper.open(), name, { keepMs: 100 }))
    const id = seats[0].consensus.propose(proposalOf('e0'))
    const { fence } = await seats[0].consensus.result(id, LONG_MS)
    const store = keeper.open()
    await eventually('they are gone', async () => (await store.list('consensus/')).entries.length === 0)
    assert.equal((await seats[1].consensus.result(id, 1)).fence, fence)
  })

  it('refuses what is no proposal', async t => {
    const keeper = await startSequencer(t)
    const alone = seat(t, keeper.open(), 'a')
    assert.throws(() => alone.consensus.propose(proposalOf('e0', { voters: [] })), {
      code: 'SBX_AGENT_INVALID',
      message: 'Cannot propose this: it has no voters',
    })
  })
})
