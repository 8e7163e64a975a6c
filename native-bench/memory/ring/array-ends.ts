import type { End, ReadEnd, Write } from './ends.ts'
import { type Audit, fill } from './payload.ts'

/**
 * The null of the contests: an array that one thread fills and then reads. What a ring costs beyond it is the ring's own.
 *
 *   word 0 how many are in it · from word 16 on the records, one behind the other
 */
const FIRST = 16

export function openArrayWriter({ buffers, bytes }: End): Write {
  const words = new Int32Array(buffers[0]!)
  const count = bytes >> 2
  const room = Math.floor((words.length - FIRST) / count)
  return n => {
    const records = words[0]!
    if (records === room) return false
    fill(words, FIRST + records * count, count, 0, n)
    words[0] = records + 1
    return true
  }
}

export function openArrayReader({ buffers, bytes }: End, audit: Audit): ReadEnd {
  const words = new Int32Array(buffers[0]!)
  const count = bytes >> 2
  return {
    poll() {
      const records = words[0]!
      for (let i = 0; i < records; i++) audit.take(words, FIRST + i * count, count)
      words[0] = 0
      return records
    },
  }
}
