import assert from 'node:assert/strict'
import { type BridgeClock, pause } from '../../../agents/bridge/clock.ts'
import type { Change, Store } from '../../../agents/bridge/store.ts'

/** One promise of a store, asked of two ways to the same one, by its clock. Keys begin with a place that is this promise's own. */
export interface Promised {
  readonly name: string
  check(store: Store, other: Store, at: string, clock: BridgeClock): Promise<void>
}

/** Shorter than anybody waits for, longer than a machine stands still. */
const TTL_MS = 2000

/** Waits for what is to come soon. */
async function soon(clock: BridgeClock, what: string, claim: () => boolean): Promise<void> {
  for (let waits = 0; !claim(); waits++) {
    assert.ok(waits < 1000, `waited in vain until ${what}`)
    await pause(clock, 10)
  }
}

const made = (answer: { isMade: boolean }): boolean => answer.isMade

async function revisionOf(store: Store, key: string, value: string): Promise<number> {
  const answer = await store.create(key, value)
  assert.ok(answer.isMade, `${key} is made`)
  return answer.revision
}

/** What is told to a watch from now on. */
function watching(store: Store, prefix: string, revision: number) {
  const seen: Change[] = []
  let lost = 0
  const watch = store.watch(
    prefix,
    revision,
    changes => void seen.push(...changes),
    () => void lost++,
  )
  return { seen, lost: () => lost, close: () => watch.close() }
}

/** What whoever stands behind the seven calls must keep; asked of each of them, and of broken ones that must not pass. */
export const STORE_CONTRACT: readonly Promised[] = [
  {
    name: 'of many who create a key one makes it, and all others are told of that one',
    async check(store, other, at) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? store : other).create(`${at}key`, String(i))),
      )
      assert.equal(answers.filter(made).length, 1)
      const winner = String(answers.findIndex(made))
      for (const answer of answers) if (!answer.isMade) assert.equal(answer.entry?.value, winner)
      assert.equal((await store.get(`${at}key`))?.value, winner)
    },
  },
  {
    name: 'a key that was made is not made again, and stays as it is',
    async check(store, other, at) {
      const revision = await revisionOf(store, `${at}key`, 'first')
      const again = await other.create(`${at}key`, 'second')
      assert.deepEqual(again, { isMade: false, entry: { key: `${at}key`, value: 'first', revision, madeAt: revision } })
      assert.equal((await other.get(`${at}key`))?.value, 'first')
    },
  },
  {
    name: 'a key is changed by who knows its last change, and by nobody else',
    async check(store, other, at) {
      const first = await revisionOf(store, `${at}key`, '1')
      const second = await other.cas(`${at}key`, '2', first)
      assert.ok(second.isMade && second.revision > first)
      const late = await store.cas(`${at}key`, 'late', first)
      assert.ok(!late.isMade && late.entry?.value === '2' && late.entry.revision === second.revision)
      assert.deepEqual(await store.cas(`${at}none`, 'x', first), { isMade: false, entry: undefined })
      assert.equal((await store.get(`${at}key`))?.madeAt, first)
    },
  },
  {
    name: 'a key goes by a change without a value, and is another one when it is made anew',
    async check(store, _other, at) {
      const first = await revisionOf(store, `${at}key`, '1')
      assert.equal((await store.cas(`${at}key`, undefined, first - 1)).isMade, false)
      assert.equal((await store.cas(`${at}key`, undefined, first)).isMade, true)
      assert.equal(await store.get(`${at}key`), undefined)
      const again = await revisionOf(store, `${at}key`, '2')
      assert.ok(again > first)
      assert.equal((await store.get(`${at}key`))?.madeAt, again)
    },
  },
  {
    name: 'no two changes have the same revision, whoever makes them, and later ones have higher ones',
    async check(store, other, at) {
      const revisions: number[] = []
      for (let round = 0; round < 5; round++) {
        const both = await Promise.all([
          revisionOf(store, `${at}a${round}`, ''),
          revisionOf(other, `${at}b${round}`, ''),
          revisionOf(store, `${at}c${round}`, ''),
        ])
        assert.ok(Math.min(...both) > Math.max(0, ...revisions))
        revisions.push(...both)
      }
      assert.equal(new Set(revisions).size, revisions.length)
    },
  },
  {
    name: 'a list has what begins so, in order, and the revision it was read at',
    async check(store, other, at) {
      await revisionOf(store, `${at}b`, '2')
      await revisionOf(other, `${at}a`, '1')
      await revisionOf(store, `${at}b/c`, '3')
      const last = await revisionOf(store, `x${at}a`, 'elsewhere')
      const { entries, revision } = await other.list(at)
      assert.deepEqual(
        entries.map(({ key }) => key),
        [`${at}a`, `${at}b`, `${at}b/c`],
      )
      assert.ok(revision >= last)
    },
  },
  {
    name: 'a watch tells each change behind its revision, in order, once, and nothing else',
    async check(store, other, at, clock) {
      await revisionOf(store, `${at}before`, '')
      const { revision } = await store.list(at)
      const first = await revisionOf(store, `${at}a`, '1')
      const { seen, lost, close } = watching(other, at, revision)
      const second = await store.cas(`${at}a`, '2', first)
      assert.ok(second.isMade)
      await revisionOf(store, `x${at}`, 'elsewhere')
      const gone = await other.cas(`${at}a`, undefined, second.revision)
      const rest = await Promise.all(
        Array.from({ length: 30 }, (_, i) => revisionOf(i % 2 ? store : other, `${at}r${i}`, '')),
      )
      await soon(clock, 'all are told', () => seen.length >= 33)
      assert.ok(gone.isMade)
      assert.deepEqual(
        seen.map(change => change.revision),
        [first, second.revision, gone.revision, ...rest.sort((a, b) => a - b)],
      )
      assert.deepEqual(
        seen.slice(0, 3).map(({ key, entry }) => [key, entry?.value]),
        [
          [`${at}a`, '1'],
          [`${at}a`, '2'],
          [`${at}a`, undefined],
        ],
      )
      assert.equal(lost(), 0)
      close()
      const { length } = seen
      await revisionOf(store, `${at}after`, '')
      const marker = watching(other, at, (await store.list(at)).revision - 1)
      await soon(clock, 'another watch is told', () => marker.seen.length > 0)
      marker.close()
      assert.equal(seen.length, length)
    },
  },
  {
    name: 'a watch from what never was says that it cannot',
    async check(store, _other, at, clock) {
      const { revision } = await store.status()
      const { lost, seen } = watching(store, at, revision + 1_000_000)
      await soon(clock, 'it is lost', () => lost() === 1)
      assert.equal(seen.length, 0)
    },
  },
  {
    name: 'a lease is held as long as its holder lives, and its keys with it',
    async check(store, other, at, clock) {
      const lease = await store.lease(TTL_MS)
      assert.ok((await store.create(`${at}key`, 'mine', lease)).isMade)
      await pause(clock, 1.5 * TTL_MS)
      assert.equal((await other.get(`${at}key`))?.value, 'mine')
      assert.ok(lease.isHeld && !lease.lost.aborted)
      await lease.end()
      assert.equal(lease.isHeld, false)
    },
  },
  {
    name: 'the keys of a lease go when it ends, each as a change, and nothing more is made by it',
    async check(store, other, at, clock) {
      const lease = await store.lease(60_000)
      const { revision } = await store.list(at)
      assert.ok((await store.create(`${at}a`, '1', lease)).isMade)
      const plain = await revisionOf(store, `${at}b`, '2')
      assert.ok((await store.cas(`${at}b`, '3', plain, lease)).isMade)
      await revisionOf(store, `${at}stays`, '4')
      const { seen, close } = watching(other, at, revision)
      await lease.end()
      assert.deepEqual(
        (await other.list(at)).entries.map(({ key }) => key),
        [`${at}stays`],
      )
      await soon(clock, 'it is told', () => seen.filter(({ entry }) => entry === undefined).length === 2)
      close()
      assert.equal((await store.create(`${at}late`, 'x', lease)).isMade, false)
      assert.equal(await store.get(`${at}late`), undefined)
    },
  },
  {
    name: 'a status tells the last revision',
    async check(store, other, at) {
      const before = await store.status()
      const revision = await revisionOf(other, `${at}key`, '')
      const after = await store.status()
      assert.ok(after.revision >= revision && after.revision > before.revision)
    },
  },
]
