import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { watchFile } from '../../scripts/watch-file.ts'
import { eventually } from '../support/eventually.ts'

const LOOK_MS = 5

/** A watched file that says "one". `changes()` counts what was told. */
async function watched(t: TestContext, arrange?: (folder: string) => void) {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-watch-'))
  const file = join(folder, 'config.yaml')
  if (arrange === undefined) writeFileSync(file, 'one')
  else arrange(folder)
  let changes = 0
  const end = await watchFile(file, () => void changes++, LOOK_MS)
  t.after(() => {
    end()
    rmSync(folder, { recursive: true })
  })
  const told = (count: number) => eventually(`it told of ${count} changes`, () => changes === count)
  return { folder, file, told, changes: () => changes, end }
}

test('watchFile() tells of a file that is written in place, and of one that is renamed into its place', async t => {
  const { folder, file, told } = await watched(t)
  writeFileSync(file, 'two')
  await told(1)
  writeFileSync(join(folder, '.new'), 'three')
  renameSync(join(folder, '.new'), file)
  await told(2)
})

test('watchFile() tells of a symbolic link above the file that leads elsewhere, as Kubernetes swaps them', async t => {
  const version = (folder: string, name: string, text: string): void => {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'config.yaml'), text)
    symlinkSync(name, join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  }
  const { folder, told } = await watched(t, folder => {
    version(folder, '..1', 'one')
    symlinkSync('..data/config.yaml', join(folder, 'config.yaml'))
  })
  version(folder, '..2', 'two')
  await told(1)
})

test('watchFile() says nothing of a file that was touched, rewritten as it was, or gone for a while', async t => {
  const { file, told, changes } = await watched(t)
  utimesSync(file, 1, 1)
  writeFileSync(file, 'one')
  unlinkSync(file)
  writeFileSync(file, 'one')
  writeFileSync(file, 'two')
  await told(1)
  unlinkSync(file)
  writeFileSync(file, 'two')
  writeFileSync(file, 'three')
  await told(2)
  assert.equal(changes(), 2)
})

test('watchFile() waits until who writes in pieces has finished', async t => {
  const { file, told, changes } = await watched(t)
  // Each piece comes sooner than two looks find nothing new.
  let text = ''
  const until = performance.now() + 20 * LOOK_MS
  while (performance.now() < until) {
    writeFileSync(file, (text += 'x'))
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.equal(changes(), 0)
  await told(1)
})
