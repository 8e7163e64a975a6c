import { ofPeer } from '../../contest.ts'
import type { End, ReadEnd, Write } from './ends.ts'
import { type Audit, fill } from './payload.ts'

/** What is used of the package: it has types, and none that its own package.json lets be found. */
interface RingBuffer {
  push(elements: Int32Array): number
  pop(elements: Int32Array, length: number): number
  availableWrite(): number
}

interface RingbufPackage {
  readonly RingBuffer: {
    new (storage: SharedArrayBuffer, type: Int32ArrayConstructor): RingBuffer
    getStorageForCapacity(capacity: number, type: Int32ArrayConstructor): SharedArrayBuffer
  }
}

const NAME: string = 'ringbuf.js'

async function ringbuf(): Promise<RingbufPackage | undefined> {
  return ofPeer(() => import(NAME) as Promise<RingbufPackage>)
}

/** Undefined where the package is not installed. */
export async function ringbufStorage(bytes: number): Promise<SharedArrayBuffer | undefined> {
  return (await ringbuf())?.RingBuffer.getStorageForCapacity(bytes >> 2, Int32Array)
}

async function openBuffer(storage: SharedArrayBuffer): Promise<RingBuffer> {
  const { RingBuffer } = (await ringbuf())!
  return new RingBuffer(storage, Int32Array)
}

/**
 * A queue of elements for one thread and one other. Its elements here are words and not bytes, of which it copies one as fast as the other.
 *
 *   framed      | length | payload | length | payload | …      one push; two pops
 *   one size    | payload | payload | …                        one push, one pop: all records are of the same length
 *
 * As in its own ParameterWriter, room is asked for before: it would take a part of a record.
 */
export async function openRingbufWriter({ buffers, bytes, way, writer }: End): Promise<Write> {
  const buffer = await openBuffer(buffers[writer]!)
  const count = bytes >> 2
  const first = way === 'ringbuf, framed' ? 1 : 0
  const record = new Int32Array(first + count)
  if (first > 0) record[0] = count
  return n => {
    if (buffer.availableWrite() < record.length) return false
    fill(record, first, count, writer, n)
    buffer.push(record)
    return true
  }
}

/** Records in a row of one writer before the next one's turn: it does not stop at what was there when it began. */
const AT_ONCE = 1000

export async function openRingbufReader({ buffers, bytes, way }: End, audit: Audit): Promise<ReadEnd> {
  const queues = await Promise.all(buffers.map(openBuffer))
  const length = new Int32Array(1)
  const record = new Int32Array(bytes >> 2)
  const popFramed = (buffer: RingBuffer): boolean => {
    if (buffer.pop(length, 1) === 0) return false
    const count = length[0]!
    buffer.pop(record, count)
    audit.take(record, 0, count)
    return true
  }
  const popOne = (buffer: RingBuffer): boolean => {
    if (buffer.pop(record, record.length) === 0) return false
    audit.take(record, 0, record.length)
    return true
  }
  const pop = way === 'ringbuf, framed' ? popFramed : popOne
  return {
    poll() {
      let records = 0
      for (const buffer of queues) for (let i = 0; i < AT_ONCE && pop(buffer); i++) records++
      return records
    },
  }
}
