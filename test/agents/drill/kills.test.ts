import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { ROSTER } from '../../../agents/index.ts'
import { rollDie } from '../../../agents/kit/dice.ts'
import { eventually } from '../../support/eventually.ts'
import { IS_FULL, startDrill } from './drill.ts'

const [KILLS, DURING_MS] = IS_FULL ? [1_000, 60_000] : [40, 4_000]
/** On a machine that does other work there are fewer, in this time: a thread takes a tenth of a second of a core to start. */
const DURING_MS_MAX = IS_FULL ? 90_000 : 15_000
/** What a process may have gained over all kills: a leaked thread is 8 MB, a leaked heap of one 5. */
const RSS_MIB_MAX = 60
const HEAP_MIB_MAX = 15

/** Agents that do nothing, so that there is always one to kill. */
const PLAIN = Array.from({ length: 5 }, (_, i) => {
  const url = new URL(`../plain-agent.js?name=plain-${i}`, import.meta.url)
  return { name: `plain-${i}`, module: url.href, restart: 'permanent' as const }
})

/** Threads and open files of this process, where the system tells. */
const threadsNow = (): number =>
  existsSync('/proc/self/status')
    ? Number(/^Threads:\s+(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1])
    : 0
const filesNow = (): number => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0)

const mib = (bytes: number): number => Math.round(bytes / 2 ** 20)

test(`${KILLS} random kills at the pace of ${DURING_MS / 1000} s: no pick fails, memory is flat, and all run in the end`, async t => {
  const drill = await startDrill(t, {
    roster: [...ROSTER, ...PLAIN],
    ...{ threads: 'grouped', restarts: 100_000, backOffMsMax: 10 },
  })
  const all = [...ROSTER, ...PLAIN].map(({ name }) => name)
  const allRun = () => all.every(name => drill.status(name).state === 'running')
  let seed = 7
  const roll = (): number => {
    const die = rollDie(seed)
    seed = die.seed
    return die.value
  }
  const kill = async (): Promise<boolean> => {
    const running = all.filter(name => drill.status(name).state === 'running')
    const name = running[Math.floor(roll() * running.length)]
    if (name === undefined) return false
    await drill.box.control!.kill(name)
    return true
  }
  // What the first kills make grow stays: code, pools, the heap itself.
  for (let i = 0; i < 20; i++) await eventually('one is killed', kill)
  await eventually('all run', allRun, 30_000)
  globalThis.gc?.()
  const before = process.memoryUsage()
  const [threadsBefore, filesBefore] = [threadsNow(), filesNow()]

  const beganMs = performance.now()
  let killed = 0
  while (killed < KILLS && performance.now() - beganMs < DURING_MS_MAX) {
    const dueMs = beganMs + (killed * DURING_MS) / KILLS
    await wait(Math.max(0, dueMs - performance.now()))
    if (await kill()) killed++
    else await wait(5)
  }
  const tookMs = performance.now() - beganMs
  await eventually('all run', allRun, 60_000)
  const restarts = new Map(all.map(name => [drill.status(name).threadId, drill.status(name).restarts]))
  assert.equal(
    [...restarts.values()].reduce((sum, each) => sum + each),
    killed + 20,
    'every kill was one restart',
  )
  await eventually(
    'no thread and no file is left over',
    () => threadsNow() <= threadsBefore && filesNow() <= filesBefore + 4,
  )
  const { picks, failedPicks, requests, failedRequests } = await drill.end()
  globalThis.gc?.()
  const after = process.memoryUsage()
  const rssMib = mib(after.rss - before.rss)
  const heapMib = mib(after.heapUsed - before.heapUsed)
  t.diagnostic(`${killed} kills in ${(tookMs / 1000).toFixed(1)} s; ${picks} picks, ${requests} requests, none failed`)
  t.diagnostic(
    `rss ${mib(before.rss)} MiB ${rssMib < 0 ? '' : '+'}${rssMib}, heap ${mib(before.heapUsed)} MiB ${heapMib < 0 ? '' : '+'}${heapMib}`,
  )
  assert.ok(killed >= KILLS / 10, `${killed} kills`)
  assert.equal(failedPicks, 0)
  assert.deepEqual(failedRequests, [])
  assert.ok(rssMib < RSS_MIB_MAX, `rss grew by ${rssMib} MiB`)
  assert.ok(heapMib < HEAP_MIB_MAX, `heap grew by ${heapMib} MiB`)
})
