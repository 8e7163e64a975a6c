import { parentPort, workerData } from 'node:worker_threads'
import { type AtomicsSeam, realAtomics, useAtomics } from '../../engine/memory/atomics.ts'
import { attachRing } from '../../engine/memory/ring.ts'

/** What a thread of the ring stress test is told. */
export interface RingThread {
  buffer: SharedArrayBuffer
  /** STOP, HOLDING, then per writer how many records it has had accepted. */
  control: SharedArrayBuffer
  role: 'writer' | 'sleeping reader'
  id: number
  /** Names this life of the writer: its records say so. */
  life: number
  /** The number of the record that it claims, half fills and never commits: HOLDING is its life from then on. */
  holdsRecord?: number
  /** Claims by load and store instead of compareExchange: the ring that must fail. */
  isBroken?: boolean
}

export const STOP = 0
export const HOLDING = 1
export const ACCEPTED = 2
export const TYPE = 6

/** The word that ends a record: a mix of all the others. */
export function checksum(words: Int32Array, from: number, count: number): number {
  let sum = 0x9e3779b9 | 0
  for (let at = from; at < from + count; at++) sum = (Math.imul(sum ^ words[at]!, 0x01000193) + 1) | 0
  return sum
}

const task = workerData as RingThread | null
if (task?.role === 'writer') write(task)
if (task?.role === 'sleeping reader') await read(task)

function write({ buffer, control, id, life, holdsRecord = -1, isBroken = false }: RingThread): void {
  if (isBroken) useAtomics(claimByLoadAndStore())
  const writer = attachRing(buffer).writer({ id })
  const { words } = writer
  const flags = new Int32Array(control)
  let random = (id + 1) * 7919 + life
  for (let n = 0; Atomics.load(flags, STOP) === 0; ) {
    random = (Math.imul(random, 1664525) + 1013904223) | 0
    // Writer, life, number, then 0 to 31 words, then the checksum.
    const count = 3 + (random >>> 27)
    const offset = writer.tryClaim(TYPE, 4 * (count + 1))
    if (offset < 0) {
      Atomics.wait(flags, STOP, 0, 1) // full: let the reader have the core
      continue
    }
    const at = offset >> 2
    words[at] = id
    words[at + 1] = life
    words[at + 2] = n
    for (let more = 3; more < count; more++) words[at + more] = random + more
    if (n === holdsRecord) {
      Atomics.store(flags, HOLDING, life)
      while (true) Atomics.wait(flags, STOP, 0, 1)
    }
    words[at + count] = checksum(words, at, count)
    writer.commit(offset)
    Atomics.store(flags, ACCEPTED + id, ++n)
  }
}

async function read({ buffer }: RingThread): Promise<void> {
  const reader = attachRing(buffer).reader()
  for (;;) {
    if (!(await reader.waitAsync(60_000))) continue
    reader.drain((_, bytes, offset) => parentPort!.postMessage(bytes[offset]))
  }
}

function claimByLoadAndStore(): AtomicsSeam {
  const { load, store, add, sub, and, or, exchange, notify, wait } = realAtomics
  const compareExchange: AtomicsSeam['compareExchange'] = (words, index, expected, replacement) => {
    const found = load(words, index)
    for (let moment = 0; moment < 100; moment++) if (load(words, index) !== found) break
    if (found === expected) store(words, index, replacement)
    return found
  }
  return { load, store, add, sub, and, or, exchange, compareExchange, notify, wait }
}
