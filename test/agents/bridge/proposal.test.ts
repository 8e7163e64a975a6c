import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  findFault,
  idOf,
  isBorneOut,
  type Proposal,
  tally,
  type Vote,
  yesNeeded,
} from '../../../agents/bridge/proposal.ts'

const proposalOf = (count: number, rule: Proposal['rule'] = 'majority'): Proposal => ({
  type: 'quarantine',
  subject: 'e0',
  episode: 1,
  payload: null,
  voters: Array.from({ length: count }, (_, i) => ({ agent: `a${i}`, incarnation: 1 })),
  rule,
  timeoutMs: 1000,
})

const votesOf = (ballots: string, incarnation = 1): Map<string, Vote> =>
  new Map(
    [...ballots].flatMap((letter, i) => {
      const ballot = ({ y: 'yes', n: 'no', a: 'abstain' } as const)[letter]
      return ballot === undefined ? [] : [[`a${i}`, { ballot, reason: '', incarnation }]]
    }),
  )

const decide = (count: number, rule: Proposal['rule'], ballots: string) =>
  tally(proposalOf(count, rule), votesOf(ballots))

describe('tally()', () => {
  it('decides by each rule as soon as no further vote could change it', () => {
    assert.equal(decide(3, 'majority', 'y--'), undefined)
    assert.equal(decide(3, 'majority', 'yy-'), 'accepted')
    assert.equal(decide(3, 'majority', 'nn-'), 'rejected')
    assert.equal(decide(4, 'majority', 'yynn'), 'rejected')
    assert.equal(decide(3, 'majority', 'ya-'), undefined)
    assert.equal(decide(3, 'majority', 'yaa'), 'rejected')
    assert.equal(decide(3, 'unanimous', 'yyy'), 'accepted')
    assert.equal(decide(3, 'unanimous', 'y-a'), 'rejected')
    assert.equal(decide(3, 'any', '--y'), 'accepted')
    assert.equal(decide(3, 'any', 'nn-'), undefined)
    assert.equal(decide(3, 'any', 'nnn'), 'rejected')
    assert.equal(decide(5, { quorum: 4 }, 'yyyy-'), 'accepted')
    assert.equal(decide(5, { quorum: 4 }, 'nn---'), 'rejected')
    assert.equal(decide(1, 'majority', 'y'), 'accepted')
  })

  it('counts no vote of a stranger, and none of another life of a voter', () => {
    const votes = votesOf('y')
    votes.set('stranger', { ballot: 'yes', reason: '', incarnation: 1 })
    assert.equal(tally(proposalOf(3), votes), undefined)
    assert.equal(tally(proposalOf(3), votesOf('yyy', 2)), undefined)
  })

  it('decides nothing else when more votes come, in whatever order', () => {
    const rules = fc.oneof(
      fc.constantFrom<Proposal['rule']>('majority', 'unanimous', 'any'),
      fc.integer({ min: 1, max: 7 }).map(quorum => ({ quorum })),
    )
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('y', 'n', 'a', '-'), { minLength: 7, maxLength: 7 }),
        rules,
        (ballots, rule) => {
          const proposal = proposalOf(7, rule)
          const all = [...votesOf(ballots.join(''))]
          const seen = new Map<string, Vote>()
          let decided: ReturnType<typeof tally>
          for (const [agent, vote] of all) {
            seen.set(agent, vote)
            const now = tally(proposal, seen)
            if (decided !== undefined) assert.equal(now, decided)
            decided = now
          }
          assert.equal(tally(proposal, new Map(all.reverse())), decided)
          const yes = all.filter(([, { ballot }]) => ballot === 'yes').length
          assert.equal(decided === 'accepted', yes >= yesNeeded(proposal))
        },
      ),
    )
  })
})

describe('isBorneOut()', () => {
  it('believes a decision for the votes that lie there, and for no others', () => {
    const proposal = proposalOf(3)
    const accepted = { status: 'accepted', votes: { a0: 'yes', a1: 'yes' }, decidedBy: 'a0' } as const
    assert.equal(isBorneOut(proposal, votesOf('yyn'), accepted), true)
    assert.equal(isBorneOut(proposal, votesOf('yn-'), accepted), false)
    assert.equal(isBorneOut(proposal, votesOf('yyy'), { ...accepted, votes: { a0: 'yes' } }), false)
    assert.equal(isBorneOut(proposal, votesOf('yyy'), { ...accepted, votes: { a0: 'yes', x: 'yes' } }), false)
    assert.equal(isBorneOut(proposal, votesOf('y--'), { ...accepted, status: 'expired', votes: { a0: 'yes' } }), true)
    assert.equal(isBorneOut(proposal, votesOf('yyy'), { ...accepted, status: 'rejected' }), false)
  })
})

describe('a proposal', () => {
  it('has the same name for all who propose the same, and another one for another', () => {
    const { type, subject, episode } = proposalOf(3)
    assert.match(idOf({ type, subject, episode }), /^[0-9a-f]{16}$/)
    assert.equal(idOf(proposalOf(5, 'any')), idOf(proposalOf(3)))
    const others = [{ type: 'x' }, { subject: 'e1' }, { episode: 2 }, { type: 'quarantinee', subject: '0' }]
    for (const other of others) assert.notEqual(idOf({ ...proposalOf(3), ...other }), idOf(proposalOf(3)))
  })

  it('is refused without voters, with one twice, or with what cannot be', () => {
    assert.equal(findFault(proposalOf(1)), undefined)
    assert.match(findFault(proposalOf(0)) ?? '', /no voters/)
    const twice = { ...proposalOf(1), voters: [...proposalOf(1).voters, { agent: 'a0', incarnation: 2 }] }
    assert.match(findFault(twice) ?? '', /twice/)
    for (const timeoutMs of [0, -1, Number.NaN, 2 ** 31])
      assert.match(findFault({ ...proposalOf(1), timeoutMs }) ?? '', /timeout/)
    for (const quorum of [0, 4, 1.5]) assert.match(findFault(proposalOf(3, { quorum })) ?? '', /quorum/)
    for (const episode of [-1, 0.5]) assert.match(findFault({ ...proposalOf(3), episode }) ?? '', /episode/)
  })
})
