import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { Auction } from '../../../agents/bridge/auction.ts'
import { Barrier } from '../../../agents/bridge/barrier.ts'
import { Consensus } from '../../../agents/bridge/consensus.ts'
import { InlineSequencer } from '../../../agents/bridge/inline-sequencer.ts'
import { findMeetingFault } from '../../../agents/bridge/meeting.ts'
import { findFault } from '../../../agents/bridge/proposal.ts'
import type { Store } from '../../../agents/bridge/store.ts'
import { findTenderFault } from '../../../agents/bridge/tender.ts'
import { broken } from './borne-out.ts'
import { VirtualTime } from './virtual-time.ts'

/** What becomes neither a text nor a number. */
const MUTE = { toString: 1, valueOf: 1 }
const id = (i: number): string => i.toString(16).padStart(16, '0')
const LIFE = { agent: 'a', incarnation: 1 }

const proposal = { type: 'x', subject: 's', episode: 1, voters: [LIFE], rule: 'majority', timeoutMs: 1_000 }
const meeting = { name: 'x', episode: 1, participants: [LIFE], timeoutMs: 1_000 }
const tender = { subject: 's', episode: 1, bidders: [LIFE], reserve: 1, roundMs: 10_000 }

/** By the root it lies under: what no agent would write, and one that is right. */
const KINDS = [
  { root: 'consensus', right: proposal, status: ['accepted', 'rejected', 'expired'] },
  { root: 'barrier', right: meeting, status: ['passed', 'expired', 'broken'] },
  { root: 'auction', right: tender, status: ['awarded', 'void'] },
] as const

const ODD = [null, MUTE, [null], [MUTE], [LIFE, null], {}, [], 'majority', '5', -1, 0, 2 ** 40]
const anything = fc.oneof(fc.constantFrom(...ODD), fc.jsonValue())

describe('records that no agent would write', () => {
  for (const { root, right, status } of KINDS) {
    it(`are passed over by who follows ${root}/, and what is right is followed on`, async () => {
      const spoilt = Object.keys(right).flatMap(field =>
        ODD.map(value => ({ key: 'p', value: JSON.stringify({ ...right, [field]: value }) })),
      )
      const ends = anything.map(value => JSON.stringify({ status: value, votes: value, missing: value, costs: value }))
      const claimed = anything.map(value => JSON.stringify({ status: status[0], votes: value, out: value }))
      const record = fc.record({
        key: fc.constantFrom('p', 'd', 's', 'v', 'v/a', 'v/b', 'b/a', 'r/a'),
        value: fc.oneof(
          ends,
          claimed,
          anything.map(value => JSON.stringify(value)),
          fc.string(),
        ),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 40 }), fc.boolean(), async (records, isLate) => {
          const time = new VirtualTime()
          const sequencer = new InlineSequencer({ clock: time })
          const store = sequencer.open()
          const faults: unknown[] = []
          let lists = 0
          const open = (): Store => {
            const store = sequencer.open()
            const watch: Store['watch'] = (prefix, revision, onChanges, onLost) => {
              const hear: typeof onChanges = changes => {
                try {
                  onChanges(changes)
                } catch (error) {
                  faults.push(error)
                }
              }
              return store.watch(prefix, revision, hear, onLost)
            }
            return broken(store, { watch, list: prefix => store.list(prefix).finally(() => lists++) })
          }
          const begin = (): { close(): void; underWay(): unknown[] } => {
            const options = { ...LIFE, clock: time, vote: () => ({ ballot: 'abstain', reason: '' }) as const }
            if (root === 'consensus') return new Consensus(open(), options)
            if (root === 'auction') return new Auction(open(), options)
            const lives = { find: () => LIFE, isGone: async () => false, onChange: () => () => {} }
            return new Barrier(open(), { ...options, lives })
          }
          const early = isLate ? undefined : begin()
          for (const [i, { key, value }] of [...records, ...spoilt].entries()) {
            const [letter, ...agent] = key.split('/')
            await time.until(store.create([root, letter, id(i), ...agent].join('/'), value))
          }
          const followed = early ?? begin()
          await time.until(store.create(`${root}/p/${'f'.repeat(16)}`, JSON.stringify(right)))
          await time.until(store.status())
          // One that ends at once was followed as well.
          const isThere = followed.underWay().length > 0
          const end = await time.until(store.get(`${root}/d/${'f'.repeat(16)}`))
          assert.ok(isThere || end !== undefined)
          assert.deepEqual([faults, lists], [[], 1])
          followed.close()
        }),
        { numRuns: 10 },
      )
    })
  }

  it('have a fault that can be told, whatever they are', () => {
    const fields = ['type', 'subject', 'episode', 'voters', 'rule', 'timeoutMs', 'participants', 'bidders', 'reserve']
    const record = fc.dictionary(fc.constantFrom(...fields, 'roundMs'), anything)
    fc.assert(
      fc.property(record, fields => {
        for (const right of [proposal, meeting, tender]) {
          for (const find of [findFault, findMeetingFault, findTenderFault]) find({ ...right, ...fields })
        }
      }),
    )
    assert.match(findFault({ ...proposal, rule: null })!, /its quorum is no number/)
    assert.match(findFault({ ...proposal, voters: [null] })!, /one of its voters has no name/)
    assert.equal(findFault(proposal), undefined)
  })
})

/** What a thread does in which a follower throws; it counts what it asks of its store. */
const THREAD = `
  const { module, counts } = require('node:worker_threads').workerData
  const store = {
    list: async () => (counts[0]++, { entries: [], revision: 1 }),
    watch: () => (counts[1]++, { close() {} }),
  }
  const clock = { now: () => 0, later: callback => (setTimeout(callback, 1), () => {}) }
  const onAnew = () => { throw new Error('a mistake of the follower') }
  import(module).then(({ Following }) => void new Following(store, 'x/', { onAnew, onChanges() {} }, clock))
  setTimeout(() => {}, 20_000)
`

describe('Following', () => {
  it('takes a follower that throws for no silence of the store: its thread ends, and nothing was watched for it', async () => {
    const counts = new Int32Array(new SharedArrayBuffer(8))
    const module = new URL('../../../agents/bridge/following.js', import.meta.url).href
    const thread = new Worker(THREAD, { eval: true, workerData: { module, counts } })
    const [error] = await once(thread, 'error').catch((error: Error) => [error])
    assert.equal(error.message, 'a mistake of the follower')
    assert.deepEqual([...counts], [1, 0])
  })
})
