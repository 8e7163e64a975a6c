import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer, Entry, Store } from '../../../agents/bridge/store.ts'
import { createDice } from '../../../engine/policies/dice.ts'
import { eventually } from '../../support/eventually.ts'
import { findFault, type Happening } from '../../support/linearizable.ts'
import { logFor, startSequencer } from './sequencer-here.ts'

const CALLERS = 5
const KEYS = 6
const CALLS = 120
const KILLS = 4

describe('findFault()', () => {
  const at = (fromMs: number, toMs: number, rest: Omit<Happening, 'fromMs' | 'toMs'>): Happening => ({
    fromMs,
    toMs,
    ...rest,
  })
  const made = { isMade: true }
  const create = (value: string, fromMs: number, toMs: number): Happening =>
    at(fromMs, toMs, { call: 'create', value, told: made })
  const get = (value: string | undefined, fromMs: number, toMs: number): Happening =>
    at(fromMs, toMs, { call: 'get', told: { isMade: false, value } })

  it('finds an order where there is one', () => {
    assert.equal(findFault([create('a', 0, 10), get(undefined, 1, 2), get('a', 3, 4), get('a', 11, 12)]), undefined)
    const silent = at(0, Number.POSITIVE_INFINITY, { call: 'create', value: 'a', told: undefined })
    assert.equal(findFault([silent, get(undefined, 5, 6), get('a', 7, 8)]), undefined)
    assert.equal(findFault([silent, get(undefined, 5, 6)]), undefined)
  })

  it('finds none where a read is stale, a key is made twice, or a value comes from nowhere', () => {
    assert.notEqual(findFault([create('a', 0, 1), get(undefined, 2, 3)]), undefined)
    assert.notEqual(findFault([create('a', 0, 9), get('a', 1, 2), get(undefined, 3, 4)]), undefined)
    assert.notEqual(findFault([create('a', 0, 1), create('b', 2, 3)]), undefined)
    assert.notEqual(findFault([get('a', 0, 1)]), undefined)
    const lost = at(4, 5, { call: 'cas', value: 'c', expected: 'a', told: made })
    const won = at(2, 3, { call: 'cas', value: 'b', expected: 'a', told: made })
    assert.notEqual(findFault([create('a', 0, 1), won, lost]), undefined)
  })
})

describe('what several callers see of a sequencer that dies again and again', () => {
  /** One caller: it makes, changes, removes and reads keys, and writes down what it was told. */
  async function call(store: Store, name: string, histories: Map<string, Happening[]>): Promise<void> {
    const roll = createDice(name.charCodeAt(0))
    const last = new Map<string, Entry>()
    for (let i = 0; i < CALLS; i++) {
      const key = `k${roll() % KEYS}`
      const known = last.get(key)
      const kind = roll() % 4
      const value = kind === 2 ? undefined : `${name}${i}`
      const fromMs = performance.now()
      let what: Pick<Happening, 'call' | 'value' | 'expected'>
      let answer: Promise<Answer | Entry | undefined>
      if (kind === 0 || known === undefined) {
        what = { call: 'create', value: `${name}${i}` }
        answer = store.create(key, `${name}${i}`)
      } else if (kind === 3) {
        what = { call: 'get' }
        answer = store.get(key)
      } else {
        what = { call: 'cas', value, expected: known.value }
        answer = store.cas(key, value, known.revision)
      }
      let told: Happening['told']
      try {
        const got = await answer
        if (what.call === 'get') {
          told = { isMade: false, value: (got as Entry | undefined)?.value }
          if (got !== undefined) last.set(key, got as Entry)
        } else if ((got as Answer).isMade) {
          told = { isMade: true }
          const { revision } = got as { revision: number }
          if (what.value === undefined) last.delete(key)
          else last.set(key, { key, value: what.value, revision, madeAt: revision })
        } else {
          const { entry } = got as { entry: Entry | undefined }
          told = { isMade: false, value: entry?.value }
          if (entry === undefined) last.delete(key)
          else last.set(key, entry)
        }
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'SBX_STORE_SILENT')
        // Each call that is told nothing doubles the stories there may be: none is made while nobody is there.
        await eventually('it answers again', () =>
          store.status().then(
            () => true,
            () => false,
          ),
        )
      }
      const toMs = told === undefined ? Number.POSITIVE_INFINITY : performance.now()
      const history = histories.get(key) ?? []
      history.push({ ...what, told, fromMs, toMs })
      histories.set(key, history)
    }
  }

  it('is one story for each key, of what was answered and of what was not', async t => {
    const keeper = await startSequencer(t, logFor(t))
    const histories = new Map<string, Happening[]>()
    let isOver = false
    const calling = Promise.all(
      Array.from({ length: CALLERS }, (_, i) => call(keeper.open(), String.fromCharCode(97 + i), histories)),
    ).then(() => {
      isOver = true
    })
    let kills = 0
    for (; kills < KILLS && !isOver; kills++) {
      await pause(30)
      await keeper.kill()
    }
    await calling
    const all = [...histories.values()].flat()
    const silent = all.filter(({ told }) => told === undefined).length
    t.diagnostic(`${all.length} calls, ${silent} without an answer, ${kills} deaths`)
    for (const [key, history] of histories) assert.equal(findFault(history), undefined, key)
  })

  it('is none where it forgets what it answered', async t => {
    const keeper = await startSequencer(t)
    const store = keeper.open()
    const histories = new Map<string, Happening[]>()
    await call(store, 'a', histories)
    await keeper.kill()
    await eventually('another one answers', async () => (await store.status().catch(() => undefined)) !== undefined)
    const before = [...histories.values()].map(findFault)
    for (const [key, history] of histories) {
      const fromMs = performance.now()
      const told = { isMade: false, value: (await store.get(key))?.value }
      history.push({ call: 'get', told, fromMs, toMs: performance.now() })
    }
    const after = [...histories.values()].map(findFault)
    assert.ok(before.every(fault => fault === undefined) && after.some(fault => fault !== undefined))
  })
})
