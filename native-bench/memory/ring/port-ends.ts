import { receiveMessageOnPort } from 'node:worker_threads'
import type { End, ReadEnd, Write } from './ends.ts'
import { type Audit, fill } from './payload.ts'

/** Posts each record as a message of its own. There is no such thing as full: what is not read yet waits on the heap. */
export function openPortWriter({ ports, bytes, way, writer }: End): Write {
  const port = ports[0]!
  const count = bytes >> 2
  const record = way === 'port, numbers' ? new Array<number>(count).fill(0) : new Int32Array(count)
  return n => {
    fill(record, 0, count, writer, n)
    port.postMessage(record)
    return true
  }
}

/** One port for each writer. */
export function openPortReader({ ports, way, bytes }: End, audit: Audit): ReadEnd {
  const count = bytes >> 2
  const take = (record: Int32Array | number[]): void => audit.take(record, 0, count)
  const poll = (): number => {
    let records = 0
    for (const port of ports) {
      for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
        take(got.message)
        records++
      }
    }
    return records
  }
  if (way === 'port, polled') return { poll }
  let wanted = Number.POSITIVE_INFINITY
  let onEnough = (): void => {}
  const hear = (record: Int32Array | number[]): void => {
    take(record)
    if (audit.records >= wanted) onEnough()
  }
  let isHeard = false
  return {
    poll,
    listen(records) {
      // Not before: a thread that is both ends takes what it posted by itself.
      if (!isHeard) for (const port of ports) port.on('message', hear)
      isHeard = true
      return new Promise(resolve => {
        wanted = records
        onEnough = resolve
        if (audit.records >= records) resolve()
      })
    },
  }
}
