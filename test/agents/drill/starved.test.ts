import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { ROSTER } from '../../../agents/index.ts'
import { IS_FULL, startDrill } from './drill.ts'

/** A minute where the proof is asked for; else some seconds, which are several deadlines of a second. */
const BUSY_MS = IS_FULL ? 60_000 : 4_000

test('full load on all cores convicts no agent at the default profile', async t => {
  const drill = await startDrill(t)
  // Each ends by itself in any case.
  const busy = `const until = Date.now() + ${BUSY_MS}; while (Date.now() < until);`
  const eaters: ChildProcess[] = []
  t.after(() => {
    for (const eater of eaters) eater.kill('SIGKILL')
  })
  const beganMs = performance.now()
  for (let core = 0; core < availableParallelism(); core++) {
    eaters.push(spawn(process.execPath, ['--eval', busy], { stdio: 'ignore' }))
  }
  let oldestMs = 0
  let lagMs = 0
  while (performance.now() - beganMs < BUSY_MS) {
    const before = performance.now()
    await wait(50)
    lagMs = Math.max(lagMs, performance.now() - before - 50)
    for (const { heartbeatAgeMs } of drill.box.control!.status()) oldestMs = Math.max(oldestMs, heartbeatAgeMs)
  }
  await Promise.all(eaters.map(eater => eater.exitCode ?? once(eater, 'exit')))
  const { picks, failedPicks, requests, failedRequests } = await drill.end()
  t.diagnostic(
    `${picks} picks, ${requests} requests; oldest heartbeat ${oldestMs} ms, our own lag up to ${Math.round(lagMs)} ms`,
  )
  for (const { name } of ROSTER)
    assert.equal(drill.status(name).restarts, 0, `${name}: ${drill.status(name).lastError}`)
  assert.equal(failedPicks, 0)
  assert.deepEqual(failedRequests, [])
})
