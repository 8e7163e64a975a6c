import { attachRing, type RingReader } from '../../../engine/memory/ring.ts'
import type { End, ReadEnd, Write } from './ends.ts'
import { type Audit, fill } from './payload.ts'

const TYPE = 1
/** How long a reader that sleeps does so at most, in ms. */
const SLEEP_MS = 5000

/** Claims, fills in place, commits. */
export function openRingWriter({ way, buffers, bytes, writer: id }: End): Write {
  const writer = way === 'ring, one each' ? attachRing(buffers[id]!).writer() : attachRing(buffers[0]!).writer({ id })
  const { words } = writer
  const count = bytes >> 2
  return n => {
    const offset = writer.tryClaim(TYPE, bytes)
    if (offset < 0) return false
    fill(words, offset >> 2, count, id, n)
    writer.commit(offset)
    return true
  }
}

/** Drains, and reads in place; one ring after the other, where each writer has its own. */
export function openRingReader({ buffers, way }: End, audit: Audit): ReadEnd {
  const drains = buffers.map(buffer => drainOf(attachRing(buffer).reader(), audit, way === 'ring, sleeping reader'))
  return {
    poll() {
      let records = 0
      for (const drain of drains) records += drain()
      return records
    },
  }
}

function drainOf(reader: RingReader, audit: Audit, isSleeping: boolean): () => number {
  const { words } = reader
  const onRecord = (_type: number, _bytes: Uint8Array, offset: number, length: number): void =>
    audit.take(words, offset >> 2, length >> 2)
  return isSleeping ? () => (reader.wait(SLEEP_MS) ? reader.drain(onRecord) : 0) : () => reader.drain(onRecord)
}
