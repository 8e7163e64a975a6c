import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InlineSequencer } from '../../../agents/bridge/inline-sequencer.ts'
import type { Answer, Lease, Store } from '../../../agents/bridge/store.ts'
import { broken, rewriting } from './borne-out.ts'
import { STORE_CONTRACT } from './store-contract.ts'
import { VirtualTime } from './virtual-time.ts'

describe('the contract of a store finds', () => {
  const BREAKS: Record<string, (store: Store) => Partial<Store>> = {
    'a fence that is not checked': store => ({
      async cas(key, value, _revision, lease): Promise<Answer> {
        const entry = await store.get(key)
        return entry === undefined ? { isMade: false, entry } : store.cas(key, value, entry.revision, lease)
      },
    }),
    'a revision that is given twice': store => ({
      async create(key, value, lease) {
        const answer = await store.create(key, value, lease)
        return answer.isMade ? { ...answer, revision: answer.revision - (answer.revision % 2) } : answer
      },
    }),
    'a list that is not in order': store => ({
      async list(prefix) {
        const { entries, revision } = await store.list(prefix)
        return { entries: [...entries].reverse(), revision }
      },
    }),
    'a watch that leaves one out': store => ({
      watch(prefix, revision, onChanges, onLost) {
        let count = 0
        return store.watch(prefix, revision, changes => onChanges(changes.filter(() => ++count % 7 !== 0)), onLost)
      },
    }),
    'a watch that tells one twice': store => ({
      watch: (prefix, revision, onChanges, onLost) =>
        store.watch(prefix, revision, changes => onChanges([...changes, ...changes.slice(-1)]), onLost),
    }),
    'a watch that begins a little late': store => ({
      watch: (prefix, revision, onChanges, onLost) => store.watch(prefix, revision + 1, onChanges, onLost),
    }),
    'keys that outlive their lease': store => ({
      create: (key, value, _lease?: Lease) => store.create(key, value),
    }),
    'a change that is answered and not made': store => ({
      async cas(key, value, revision, lease) {
        if (value === undefined) return { isMade: true, revision: revision + 1 }
        return store.cas(key, value, revision, lease)
      },
    }),
  }
  const breaks = Object.entries(BREAKS).map(
    ([name, breakOf]) => [name, (store: Store) => broken(store, breakOf(store))] as const,
  )
  for (const [name, breakOf] of [...breaks, ['a record that can be rewritten', rewriting] as const]) {
    it(name, async () => {
      const time = new VirtualTime()
      const sequencer = new InlineSequencer({ clock: time })
      const [store, other] = [sequencer.open(), sequencer.open()].map(breakOf) as [Store, Store]
      const found: string[] = []
      for (const [i, promised] of STORE_CONTRACT.entries()) {
        const at = `${i}/`
        await time.until(promised.check(store, other, at, time)).catch(() => found.push(promised.name))
        if (found.length > 0) break
      }
      assert.equal(found.length, 1)
    })
  }
})
