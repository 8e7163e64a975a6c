import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { encodeSnapshot } from '../../../engine/box/snapshot/format.ts'
import { StateFolder } from '../../../engine/box/snapshot/state-folder.ts'
import { type Box, type ConfigInput, createSignalbox, type Log, type SignalboxOptions } from '../../../engine/index.ts'
import { LAYOUT_VERSION } from '../../../engine/memory/layout.ts'
import { eventually } from '../../support/eventually.ts'

/** A folder that is not there yet, and goes when all boxes that were opened on it are closed. */
function folderOf(t: TestContext) {
  const top = mkdtempSync(join(tmpdir(), 'signalbox-state-'))
  const boxes: Box[] = []
  t.after(async () => {
    for (const box of boxes) await box.close()
    rmSync(top, { recursive: true })
  })
  const path = join(top, 'made', 'here')
  return {
    path,
    folder: new StateFolder(path),
    newest: join(path, 'tables.snapshot'),
    before: join(path, 'tables.snapshot.before'),
    open: async (config: ConfigInput, options: SignalboxOptions = {}): Promise<Box> => {
      const box = await createSignalbox(config, { state: path, ...options })
      boxes.push(box)
      return box
    },
  }
}

const snapshotOf = (takenAtMs: number): Buffer =>
  encodeSnapshot({ takenAtMs, services: [], sessions: new Int32Array(0) })

async function found(folder: StateFolder): Promise<number[]> {
  return (await folder.read()).generations.map(({ snapshot }) => snapshot.takenAtMs)
}

describe('a folder of snapshots', () => {
  test('is made for its owner alone, and gives back the newest and the one before it', async t => {
    const { folder, path, newest } = folderOf(t)
    assert.deepEqual(await folder.read(), { generations: [], refusals: [] })
    for (const each of [1, 2, 3]) await folder.write(snapshotOf(each))
    assert.deepEqual(await found(folder), [3, 2])
    assert.deepEqual([statSync(path).mode & 0o777, statSync(newest).mode & 0o777], [0o700, 0o600])
  })

  test('gives back the one before where the newest is broken, missing, or of another layout, and says why', async t => {
    const { folder, newest } = folderOf(t)
    for (const each of [1, 2]) await folder.write(snapshotOf(each))
    const good = readFileSync(newest)
    const cases: [Buffer, RegExp][] = [
      [good.subarray(0, good.length - 1), /bytes where/],
      [Buffer.from('something else'), /no snapshot/],
      [Buffer.from(good.toString().replace(`layout=${LAYOUT_VERSION}`, 'layout=1')), /layout version 1, this build/],
    ]
    for (const [bytes, why] of cases) {
      writeFileSync(newest, bytes)
      assert.deepEqual(await found(folder), [1])
      const { refusals } = await folder.read()
      assert.equal(refusals.length, 1)
      assert.equal(refusals[0]!.file, newest)
      assert.match(refusals[0]!.why, why)
    }
    // As a process leaves it that died between the two renames.
    renameSync(newest, `${newest}.next`)
    assert.deepEqual(await found(folder), [1])
    assert.deepEqual((await folder.read()).refusals, [])
  })

  test('keeps the newest where another cannot be written, and says so', async t => {
    const { folder, path, newest } = folderOf(t)
    await folder.write(snapshotOf(1))
    // A folder in the place of the file that is written first.
    rmSync(`${newest}.next`, { force: true })
    mkdirSync(join(path, 'tables.snapshot.next'))
    await assert.rejects(folder.write(snapshotOf(2)), { code: 'EISDIR' })
    assert.deepEqual(await found(folder), [1])
  })
})

describe('a box that keeps its tables', () => {
  const config = { services: { api: { endpoints: [{ id: 'a', url: 'http://a.test' }] } } }

  test('has a change on disk soon after it was made, and writes nothing while nothing changes', async t => {
    const { folder, open } = folderOf(t)
    const box = await open(config)
    const weight = async (): Promise<number | undefined> =>
      (await folder.read()).generations[0]?.snapshot.services[0]?.endpoints[0]?.weight
    await eventually('it is kept', async () => (await weight()) === 1)
    box.service('api').setWeight('a', 4)
    await eventually('the change is kept', async () => (await weight()) === 4)
    await eventually('the disk says what the tables say', () => box.snapshotStatus()!.ageMs < 500)
    const { writes } = box.snapshotStatus()!
    // Looked at more than once, and found the same.
    await eventually('it was looked at again', async () => {
      const before = box.snapshotStatus()!.ageMs
      await new Promise(resolve => setTimeout(resolve, 50))
      return box.snapshotStatus()!.ageMs < before
    })
    assert.equal(box.snapshotStatus()!.writes, writes)
  })

  test('takes the one before where the newest is broken, and its config alone where both are, and says so', async t => {
    const { newest, before, open } = folderOf(t)
    const lines: string[] = []
    const log: Log = (level, message) => void lines.push(`${level} ${message}`)
    const first = await open(config, { log })
    first.service('api').setWeight('a', 2)
    await eventually('it is kept', () => first.snapshotStatus()!.writes > 0)
    await first.close()
    writeFileSync(before, readFileSync(newest))
    writeFileSync(newest, 'broken')
    const second = await open(config, { log })
    assert.equal(second.explain('api').endpoints[0]!.weight, 2)
    assert.deepEqual(lines, ['error a snapshot of the tables is refused', 'info the tables go on from a snapshot'])
    await second.close()
    lines.length = 0
    for (const file of [newest, before]) writeFileSync(file, 'broken')
    const third = await open(config, { log })
    assert.equal(third.isResumed, false)
    assert.equal(third.explain('api').endpoints[0]!.weight, 1)
    assert.deepEqual(lines, [
      'error a snapshot of the tables is refused',
      'error a snapshot of the tables is refused',
      'error no snapshot is left to go on from: the tables are those of the config alone',
    ])
  })

  test('refuses a snapshot that the tables have no room for, whole', async t => {
    const { open } = folderOf(t)
    const large = await open(config)
    large.service('api').setWeight('a', 9)
    for (let i = 0; i < 20; i++) large.service('api').add({ id: `more${i}`, url: 'http://more.test' })
    await large.close()
    const log: string[] = []
    const small = await open(config, {
      capacity: { rows: 8 },
      log: (_, message, fields) => void log.push(`${message}: ${fields?.why}`),
    })
    assert.deepEqual(
      small.explain('api').endpoints.map(({ id, weight }) => [id, weight]),
      [['a', 1]],
    )
    assert.match(log[0]!, /is refused: Cannot add endpoint more7: all 8 rows are in use/)
  })

  test('goes on routing where it cannot, says so once, counts it, and says when it can again', async t => {
    const { path, open } = folderOf(t)
    const top = join(path, '..', '..')
    // A file where a folder should be made.
    writeFileSync(join(top, 'made'), '')
    const log: string[] = []
    const box = await open(config, {
      log: (level, message) => void log.push(`${level} ${message}`),
    })
    await eventually('two tries have failed', () => box.snapshotStatus()!.failures >= 2)
    const { ageMs, writes } = box.snapshotStatus()!
    assert.deepEqual([ageMs, writes], [-1, 0])
    assert.equal(box.router('api').endpoint(box.router('api').pick()).id, 'a')
    const said = log.filter(line => line.includes('not kept on disk'))
    assert.equal(said.length, 1, log.join('\n'))
    assert.match(said[0]!, /^error/)
    rmSync(join(top, 'made'))
    await eventually('it is kept', () => box.snapshotStatus()!.writes > 0)
    assert.match(log.at(-1)!, /^info the tables are kept on disk again/)
  })
})
