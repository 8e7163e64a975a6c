import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { end } from '../../../native-bench/load/programs.ts'
import { eventually } from '../../support/eventually.ts'
import type { Asked, Load, Order } from '../faults/client.ts'
import type { Setup } from '../faults/proxies.ts'
import { BODIES, type Count, HEADERS, READERS } from './peers.ts'

/** 200 requests a second, so long that ten of them at least are slower than the 99th percentile. */
const GET_EVERY_MS = 5
const WARM_MS = 2000
const QUIET_MS = 5000
/** So long that slow ones are cut in it, and come again. */
const BUSY_MS = 12_000
/** Long bodies stand once they grow by less than this from one look to the next: what the kernel holds for a connection is full. */
const STANDING_BYTES = 2 << 20
const LOOK_MS = 200

type Child = ReturnType<typeof fork>

const start = (name: string): Child => fork(fileURLToPath(new URL(name, import.meta.url)))

/** What a normal client saw, alone and beside the slow ones. */
export interface Seen {
  readonly failed: readonly Asked[]
  readonly msP99: number
  readonly msP50: number
  /** How late the client itself was at most, in ms. */
  readonly lagMs: number
}

export interface Played {
  readonly quiet: Seen
  /** While the slow ones come, and what the kernel holds for the readers fills: that is 100 quick downloads of some MiB. */
  readonly arriving: Seen
  readonly busy: Seen
  /** Connections of the slow ones when the load was over. */
  readonly count: Count
}

export async function play(setup: Setup): Promise<Played> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-slow-'))
  const [origin, peers, client] = ['./origin.js', './peers.js', '../faults/client.js'].map(start) as [
    Child,
    Child,
    Child,
  ]
  const [originPort] = (await once(origin, 'message')) as [number]
  const proxy = await setup.start(folder, [originPort])
  const load = async (during: () => Promise<unknown>): Promise<Seen> => {
    client.send({ port: proxy.port, getEveryMs: GET_EVERY_MS, postEveryMs: 0 } satisfies Order)
    await during()
    return see(await ask<Load>(client, 'stop'))
  }
  const areUnderWay = async (): Promise<boolean> => {
    const before = await ask<number>(origin, 'count')
    await after(LOOK_MS)
    const sent = await ask<number>(origin, 'count')
    const { open } = await ask<Count>(peers, 'count')
    return open === HEADERS + BODIES + READERS && sent > 0 && sent - before < STANDING_BYTES
  }
  try {
    // The first ones find cold code, and would make the quiet time look bad.
    await load(() => after(WARM_MS))
    const quiet = await load(() => after(QUIET_MS))
    const arriving = await load(async () => {
      peers.send({ port: proxy.port })
      await eventually('the slow ones are under way', areUnderWay, 60_000)
    })
    const busy = await load(() => after(BUSY_MS))
    return { quiet, arriving, busy, count: await ask<Count>(peers, 'count') }
  } finally {
    await Promise.all([origin, peers, client].map(end))
    await proxy.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function ask<T>(child: Child, message: string): Promise<T> {
  const told = once(child, 'message')
  child.send(message)
  const [answer] = (await told) as [T]
  return answer
}

function see({ asked, lagMs }: Load): Seen {
  const times = asked.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  const at = (share: number): number => times[Math.floor(times.length * share)]!
  return { failed: asked.filter(({ status }) => status !== 200), msP99: at(0.99), msP50: at(0.5), lagMs }
}
