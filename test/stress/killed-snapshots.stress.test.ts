import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { StateFolder } from '../../engine/box/snapshot/state-folder.ts'
import { below, createDice } from '../../engine/policies/dice.ts'

const WRITER = fileURLToPath(new URL('./snapshot-writer.js', import.meta.url))
const DEATHS = 8
/** In place, a death in the middle is seen sooner or later; how soon is chance. */
const TRIES = 40

/** Starts a process that writes snapshots without a pause, kills it at some moment, and reads what it left. */
async function killOne(path: string, afterMs: number, how = '') {
  const child = spawn(process.execPath, [WRITER, path, how], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  await new Promise(resolve => setTimeout(resolve, afterMs))
  child.kill('SIGKILL')
  await once(child, 'exit')
  return new StateFolder(path).read()
}

test(`snapshots: ${DEATHS} writers are killed in the middle, and what is read is whole`, async t => {
  const path = mkdtempSync(join(tmpdir(), 'signalbox-killed-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  const dice = createDice(0x5eed)
  for (let death = 0; death < DEATHS; death++) {
    const { generations, refusals } = await killOne(path, below(dice(), 30))
    assert.deepEqual(refusals, [])
    assert.ok(generations.length >= 1)
    for (const { snapshot } of generations) {
      assert.ok(snapshot.sessions.every(word => word === snapshot.takenAtMs))
    }
  }
})

test('snapshots that are written over the one before are read half: the deaths fall where they should', async t => {
  const path = mkdtempSync(join(tmpdir(), 'signalbox-killed-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  const dice = createDice(0x5eed)
  for (let tries = 1; tries <= TRIES; tries++) {
    const { refusals } = await killOne(path, below(dice(), 30), 'in place')
    if (refusals.length > 0) {
      t.diagnostic(`refused after ${tries} deaths: ${refusals[0]!.why}`)
      return
    }
  }
  assert.fail(`${TRIES} deaths, and none in the middle of a write`)
})
