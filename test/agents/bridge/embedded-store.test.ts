import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { SequencerKeeper } from '../../../agents/bridge/sequencer-keeper.ts'
import type { Answer, Lease, Store } from '../../../agents/bridge/store.ts'
import { eventually } from '../../support/eventually.ts'
import { logFor, startSequencer } from './sequencer-here.ts'
import { STORE_CONTRACT } from './store-contract.ts'

for (const kind of ['without a file', 'with a file']) {
  describe(`the embedded store ${kind}`, () => {
    for (const [i, { name, check }] of STORE_CONTRACT.entries()) {
      it(name, async t => {
        const keeper = await startSequencer(t, kind === 'with a file' ? logFor(t) : undefined)
        await check(keeper.open(), keeper.open(), `${i}/`)
      })
    }
  })
}

describe('the contract of a store finds', () => {
  /** A store with some calls of its own. */
  const broken = (store: Store, calls: Partial<Store>): Store =>
    new Proxy(store, {
      get: (whole, name) => calls[name as keyof Store] ?? (whole[name as keyof Store] as () => void).bind(whole),
    })
  const BREAKS: Record<string, (store: Store) => Partial<Store>> = {
    'a record that can be rewritten': store => ({
      async create(key, value, lease) {
        const answer = await store.create(key, value, lease)
        if (answer.isMade || answer.entry === undefined) return answer
        return store.cas(key, value, answer.entry.revision, lease)
      },
    }),
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
  for (const [name, breakOf] of Object.entries(BREAKS)) {
    it(name, async t => {
      const keeper = await startSequencer(t)
      const [store, other] = [keeper.open(), keeper.open()].map(each => broken(each, breakOf(each))) as [Store, Store]
      const found: string[] = []
      for (const [i, promised] of STORE_CONTRACT.entries()) {
        const at = `${i}/`
        await promised.check(store, other, at).catch(() => found.push(promised.name))
        if (found.length > 0) break
      }
      assert.equal(found.length, 1)
    })
  }
})

describe('SequencerKeeper', () => {
  it('brings a sequencer back that died; its stores go on, and older revisions have lost', async t => {
    const keeper = await startSequencer(t)
    const store = keeper.open()
    const lease = await store.lease(60_000)
    const before = await store.create('a', '1', lease)
    let lost = 0
    store.watch(
      '',
      (await store.status()).revision,
      () => {},
      () => void lost++,
    )
    await store.status()
    await keeper.kill()
    await eventually('another one answers', async () => {
      const status = await store.status().catch(() => undefined)
      return status?.term === 1
    })
    assert.equal(lost, 1)
    assert.ok(lease.lost.aborted && !lease.isHeld)
    assert.equal(await store.get('a'), undefined)
    const after = await store.create('a', '2')
    assert.ok(before.isMade && after.isMade && after.revision > before.revision)
  })

  it('fails what waits for an answer when it dies, and says that nobody knows', async t => {
    const keeper = await startSequencer(t)
    const store = keeper.open()
    const asked = store.create('a', '1').then(
      ({ isMade }) => String(isMade),
      ({ code }) => code,
    )
    await keeper.kill()
    // It may have been answered before it died.
    assert.match(await asked, /^(?:true|SBX_STORE_SILENT)$/)
    await assert.rejects(Promise.all(Array.from({ length: 50 }, () => store.get('a'))), { code: 'SBX_STORE_SILENT' })
  })

  it('keeps in its file what was answered, over a death and over a start of the process', async t => {
    const file = logFor(t)
    const keeper = await startSequencer(t, file)
    const store = keeper.open()
    const made = await store.create('stays', '1')
    const gone = await store.create('goes', '2')
    assert.ok(made.isMade && gone.isMade)
    await store.cas('goes', undefined, gone.revision)
    await store.create('held', '3', await store.lease(300))
    await keeper.kill()
    await eventually('another one answers', async () => (await store.status().catch(() => undefined))?.term === 1)
    assert.deepEqual(
      (await store.list('')).entries.map(({ key, revision }) => [key, revision >= made.revision]),
      [
        ['held', true],
        ['stays', true],
      ],
    )
    assert.equal((await store.get('stays'))?.revision, made.revision)
    await eventually('its holder did not come back', async () => (await store.get('held')) === undefined)
    await keeper.close()
    // The last write of a process that lost its power.
    appendFileSync(file, '{"key":"half')
    const next = await startSequencer(t, file)
    const again = next.open()
    assert.equal(next.term, 2)
    assert.deepEqual(
      (await again.list('')).entries.map(({ key }) => key),
      ['stays'],
    )
    const late = await again.create('late', '')
    assert.ok(late.isMade && late.revision > made.revision)
    assert.ok(readFileSync(file, 'utf8').split('\n').length < 6, 'what is gone is left out')
  })

  it('does not begin with a file that no sequencer wrote', async t => {
    const file = logFor(t)
    writeFileSync(file, 'services:\n  api: {}\n')
    await assert.rejects(SequencerKeeper.start(file), {
      code: 'SBX_STORE_REFUSED',
      message: new RegExp(`^Cannot start the sequencer: Cannot read ${file}:1: it is no line`),
    })
  })
})
