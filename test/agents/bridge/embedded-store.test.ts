import assert from 'node:assert/strict'
import fs, { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { describe, it } from 'node:test'
import { type BridgeClock, realClock } from '../../../agents/bridge/clock.ts'
import { EmbeddedStore } from '../../../agents/bridge/embedded-store.ts'
import { SequencerKeeper } from '../../../agents/bridge/sequencer-keeper.ts'
import { SequencerLog } from '../../../agents/bridge/sequencer-log.ts'
import type { Asked } from '../../../agents/bridge/wire.ts'
import { eventually } from '../../support/eventually.ts'
import { noRoomForThreads } from '../../support/no-room.ts'
import { logFor, startSequencer } from './sequencer-here.ts'
import { STORE_CONTRACT } from './store-contract.ts'
import { VirtualTime } from './virtual-time.ts'

for (const kind of ['without a file', 'with a file']) {
  describe(`the embedded store ${kind}`, () => {
    for (const [i, { name, check }] of STORE_CONTRACT.entries()) {
      it(name, async t => {
        const keeper = await startSequencer(t, kind === 'with a file' ? logFor(t) : undefined)
        await check(keeper.open(), keeper.open(), `${i}/`, realClock)
      })
    }
  })
}

describe('EmbeddedStore', () => {
  it('calls a watch off whose beginning was not answered: it may have begun all the same', async () => {
    const time = new VirtualTime()
    const store = new EmbeddedStore({ patienceMs: 100, clock: time })
    const asked: Asked[] = []
    store.join(() => ({ ask: each => void asked.push(each), close() {} }))
    const lost = new Promise<void>(resolve => void store.watch('a/', 0, () => {}, resolve))
    await time.until(lost)
    assert.deepEqual(
      asked.map(({ call, id }) => [call, id]),
      [
        ['watch', 1],
        ['unwatch', 1],
      ],
    )
  })
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
    // A look waits for the next one; a change does not, for that one has forgotten what it is about.
    await assert.rejects(store.create('b', '1'), { code: 'SBX_STORE_SILENT' })
    const looks = await Promise.all(Array.from({ length: 50 }, () => store.get('b')))
    assert.deepEqual(looks, Array(50).fill(undefined))
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

  it('waits longer and longer where none can begin, ten seconds at most, and no more after a good minute', async t => {
    const file = logFor(t)
    const waits: number[] = []
    let nowMs = 0
    const clock: BridgeClock = {
      now: () => nowMs,
      later(delayMs, callback) {
        waits.push(delayMs)
        return realClock.later(1, callback)
      },
    }
    const keeper = await SequencerKeeper.start(file, { clock, dice: () => 1 })
    t.after(() => keeper.close())
    await keeper.kill()
    const store = keeper.open()
    await eventually('another one answers', async () => (await store.status().catch(() => undefined))?.term === 1)
    const good = readFileSync(file)
    writeFileSync(file, 'no log\n')
    await keeper.kill()
    await eventually('it has tried for long', () => waits.length >= 11)
    // 20, then 50 · 2ⁿ ms and a fifth more, for the die says 1.
    assert.deepEqual(waits.slice(0, 11), [20, 60, 120, 240, 480, 960, 1920, 3840, 7680, 12_000, 12_000])
    writeFileSync(file, good)
    await eventually('another one answers', () =>
      store.status().then(
        () => true,
        () => false,
      ),
    )
    const { length } = waits
    nowMs += 60_000
    await keeper.kill()
    await eventually('it begins again', () => waits.length > length)
    assert.equal(waits[length], 20)
  })

  it('tries again where the system has no room for its thread', async t => {
    const keeper = await startSequencer(t)
    const store = keeper.open()
    const room = noRoomForThreads(t)
    await keeper.kill()
    await eventually('no thread could be made', () => room.refused() > 1)
    room.end()
    await eventually('another one answers', async () => (await store.status().catch(() => undefined))?.term === 1)
    const full = noRoomForThreads(t)
    await assert.rejects(SequencerKeeper.start(), { code: 'SBX_STORE_REFUSED', message: /EAGAIN/ })
    full.end()
  })
})

describe('SequencerLog', () => {
  it('has its name on the disk before it is used, also where a folder cannot be kept', t => {
    const file = logFor(t)
    const calls: string[] = []
    const { renameSync, fsyncSync } = fs
    t.mock.method(fs, 'renameSync', (from: string, to: string) => {
      calls.push('rename')
      renameSync(from, to)
    })
    let fault: Error | undefined
    t.mock.method(fs, 'fsyncSync', (fd: number) => {
      const isFolder = fs.fstatSync(fd).isDirectory()
      calls.push(isFolder ? 'keep folder' : 'keep file')
      if (isFolder && fault !== undefined) throw fault
      fsyncSync(fd)
    })
    syncBuiltinESMExports()
    t.after(() => {
      t.mock.restoreAll()
      syncBuiltinESMExports()
    })
    SequencerLog.open(file, 0)
    assert.deepEqual(calls, ['keep file', 'rename', 'keep folder'])
    fault = Object.assign(new Error('operation not permitted'), { code: 'EPERM' })
    SequencerLog.open(file, 0)
    fault = Object.assign(new Error('input/output error'), { code: 'EIO' })
    assert.throws(() => SequencerLog.open(file, 0), { code: 'EIO' })
  })
})
