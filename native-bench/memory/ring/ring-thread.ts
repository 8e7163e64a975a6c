import { parentPort, workerData } from 'node:worker_threads'
import { nowNs } from '../monotonic.ts'
import { Patience } from '../patience.ts'
import { type End, openReader, openWriter, type ReadEnd, type Write } from './ends.ts'
import { Audit } from './payload.ts'

/** Ends that a thread has: one of them to move records, both to answer them, or to do all of it alone. */
export interface RingThread {
  readonly writes?: End
  readonly reads?: End
}

export type RingOrder =
  /** Answered before the first record and again after the last. */
  | { readonly how: 'read'; readonly records: number }
  | { readonly how: 'write'; readonly records: number }
  /** Writes so many at once, then reads them, and so on. */
  | { readonly how: 'alone'; readonly records: number; readonly atOnce: number }
  /** Writes one and waits for one, so many times in a row; `groups` of those are timed. */
  | { readonly how: 'ping'; readonly times: number; readonly groups: number }
  /** Waits for one and writes one. */
  | { readonly how: 'pong'; readonly records: number }

export interface RingAnswer {
  /** When it began, and when it had done what it was told. */
  readonly sinceNs: number
  readonly untilNs: number
  readonly records: number
  readonly sum: number
  readonly faults: number
  /** Of a ping: what each group took. */
  readonly groupsNs: readonly number[]
}

const { writes, reads } = workerData as RingThread
const port = parentPort!
const patience = new Patience()
const audit = new Audit(reads?.writers ?? 1)
const write: Write = writes === undefined ? () => false : await openWriter(writes)
const reader: ReadEnd = reads === undefined ? { poll: () => 0 } : await openReader(reads, audit)

port.on('message', async (order: RingOrder) => {
  audit.begin()
  patience.begin()
  const groupsNs: number[] = []
  if (order.how === 'read' || order.how === 'pong') port.postMessage(answer(0, groupsNs))
  const sinceNs = nowNs()
  switch (order.how) {
    case 'read':
      await read(order.records)
      break
    case 'write':
      writeAll(0, order.records)
      break
    case 'alone':
      for (let n = 0; n < order.records; n += order.atOnce) {
        const until = Math.min(order.records, n + order.atOnce)
        writeAll(n, until)
        readAll(until)
      }
      break
    case 'ping':
      for (let group = 0; group < order.groups; group++) {
        const groupSinceNs = nowNs()
        await volley(group * order.times, (group + 1) * order.times, true)
        groupsNs.push(nowNs() - groupSinceNs)
      }
      break
    case 'pong':
      await volley(0, order.records, false)
      break
  }
  port.postMessage(answer(sinceNs, groupsNs))
})
port.postMessage('ready')

function answer(sinceNs: number, groupsNs: readonly number[]): RingAnswer {
  const { records, sum, faults } = audit
  return { sinceNs, untilNs: nowNs(), records, sum, faults, groupsNs }
}

function writeAll(from: number, until: number): void {
  for (let n = from; n < until; ) {
    if (write(n)) {
      n++
      patience.begin()
    } else patience.wait()
  }
}

/** Until so many records have come. */
function readAll(records: number): void {
  while (audit.records < records) {
    if (reader.poll() > 0) patience.begin()
    else patience.wait()
  }
}

async function read(records: number): Promise<void> {
  if (reader.listen === undefined) readAll(records)
  else await reader.listen(records)
}

/** One there, one back. Who shares memory waits for no promise in between. */
async function volley(from: number, until: number, isFirst: boolean): Promise<void> {
  for (let n = from; n < until; n++) {
    if (isFirst) writeAll(n, n + 1)
    if (reader.listen === undefined) readAll(n + 1)
    else await reader.listen(n + 1)
    if (!isFirst) writeAll(n, n + 1)
  }
}
