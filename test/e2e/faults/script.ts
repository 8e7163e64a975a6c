import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { end, freePorts } from '../../../native-bench/load/programs.ts'
import { readBook, sharedMs } from './book.ts'
import type { Load, Order } from './client.ts'
import { type Fault, judge, type Verdict } from './judge.ts'
import type { Setup } from './proxies.ts'

/**
 * The script of faults: load for some 20 s, in which each of four origins is frozen and goes on, is killed and is started again.
 *
 *   warm ─▶ for each origin: SIGSTOP … SIGCONT ─ calm ─ SIGKILL … started again ─ calm ─▶ books and answers are compared
 *
 * Its times are what is done to the proxy, and wait for nothing.
 */
const WARM_MS = 2000
const FROZEN_MS = 2000
const DEAD_MS = 800
const CALM_MS = 800

/** 156 requests a second: every origin has one each 26 ms. */
const LOAD = { getEveryMs: 8, postEveryMs: 32 }

const ORIGIN = fileURLToPath(new URL('./origin.js', import.meta.url))
const CLIENT = fileURLToPath(new URL('./client.js', import.meta.url))

export interface Played {
  readonly verdict: Verdict
  readonly lagMs: number
  /** What the proxy has printed. */
  readonly output: string
}

export async function play(setup: Setup): Promise<Played> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-faults-'))
  const ports = await freePorts(4)
  const bookOf = (i: number): string => join(folder, `o${i}`)
  const startOrigin = (i: number): Promise<ChildProcess> => ready(fork(ORIGIN, [`o${i}`, `${ports[i]}`, bookOf(i)]))
  const origins = await Promise.all(ports.map((_, i) => startOrigin(i)))
  const proxy = await setup.start(folder, ports)
  const client = fork(CLIENT)
  const faults: Fault[] = []
  try {
    client.send({ port: proxy.port, ...LOAD } satisfies Order)
    await after(WARM_MS)
    for (const [i, frozen] of origins.entries()) {
      const origin = `o${i}`
      const frozenMs = sharedMs()
      frozen.kill('SIGSTOP')
      await after(FROZEN_MS)
      faults.push({ origin, kind: 'frozen', fromMs: frozenMs, untilMs: sharedMs() })
      frozen.kill('SIGCONT')
      await after(CALM_MS)
      const killedMs = sharedMs()
      await end(frozen)
      await after(DEAD_MS)
      faults.push({ origin, kind: 'killed', fromMs: killedMs, untilMs: sharedMs() })
      origins[i] = await startOrigin(i)
      await after(CALM_MS)
    }
    const told = once(client, 'message')
    client.send('stop')
    const [{ asked, lagMs }] = (await told) as [Load]
    const books = ports.flatMap((_, i) => readBook(bookOf(i), `o${i}`))
    return { verdict: judge(asked, books, faults), lagMs, output: proxy.output() }
  } finally {
    await Promise.all([...origins, client].map(end))
    await proxy.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function ready(child: ChildProcess): Promise<ChildProcess> {
  await once(child, 'message')
  return child
}
