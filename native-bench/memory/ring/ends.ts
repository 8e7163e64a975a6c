import { MessageChannel, type MessagePort, type TransferListItem } from 'node:worker_threads'
import { createRing } from '../../../engine/memory/ring.ts'
import { openArrayReader, openArrayWriter } from './array-ends.ts'
import type { Audit } from './payload.ts'
import { openPortReader, openPortWriter } from './port-ends.ts'
import { openRingbufReader, openRingbufWriter, ringbufStorage } from './ringbuf-ends.ts'
import { openRingReader, openRingWriter } from './signalbox-ends.ts'

/** Ways for records to go from one thread to another. */
export type Way =
  | 'ring, one writer'
  | 'ring, many writers'
  /** One writer each, read in turn, as ringbuf.js has to be where many write. */
  | 'ring, one each'
  /** The same, with a reader that sleeps until there is something. */
  | 'ring, sleeping reader'
  | 'ringbuf, framed'
  | 'ringbuf, one size'
  | 'port, typed array'
  | 'port, numbers'
  /** A port that is looked at, as a ring is, instead of listened to. */
  | 'port, polled'
  /** No way at all, but an array of the same thread: what the payload costs by itself. */
  | 'array'

/** What a thread needs to open its end of a way: it travels to it. */
export interface End {
  readonly way: Way
  /** Bytes of a payload: a multiple of 8, 16 at least. */
  readonly bytes: number
  readonly writers: number
  /** Of a writer: which one it is. */
  readonly writer: number
  readonly buffers: readonly SharedArrayBuffer[]
  readonly ports: readonly MessagePort[]
}

/** Writes the n-th record. False: there is no room for it now. */
export type Write = (n: number) => boolean

export interface ReadEnd {
  /** Takes what is there, and says how many that was. */
  poll(): number
  /** Of a port that is listened to: resolves when the audit has so many records. */
  listen?(records: number): Promise<void>
}

/** Bytes of each ring: larger than what a core has of its own for itself alone, and some thousand records. */
export const CAPACITY = 256 * 1024

export interface Lane {
  readonly reader: End
  /** Of each writer its end. */
  readonly writers: readonly End[]
}

/** Lays a way out. A ring with one writer, where there are several, is there once for each of them. */
export async function layLane(way: Way, bytes: number, writers: number): Promise<Lane | undefined> {
  const buffers: SharedArrayBuffer[] = []
  const channels: MessageChannel[] = []
  if (way.startsWith('ringbuf')) {
    for (let writer = 0; writer < writers; writer++) {
      const storage = await ringbufStorage(CAPACITY)
      if (storage === undefined) return undefined
      buffers.push(storage)
    }
  } else if (way.startsWith('port')) {
    for (let writer = 0; writer < writers; writer++) channels.push(new MessageChannel())
  } else if (way === 'array') {
    buffers.push(new SharedArrayBuffer(CAPACITY))
  } else {
    const isShared = way === 'ring, many writers'
    const rings = isShared ? 1 : writers
    for (let i = 0; i < rings; i++)
      buffers.push(createRing({ bytes: CAPACITY, writers: isShared ? 'many' : 'one' }).buffer)
  }
  const end = (writer: number, ports: MessagePort[]): End => ({ way, bytes, writers, writer, buffers, ports })
  return {
    reader: end(
      -1,
      channels.map(({ port1 }) => port1),
    ),
    writers: Array.from({ length: writers }, (_, writer) =>
      end(writer, channels[writer] === undefined ? [] : [channels[writer].port2]),
    ),
  }
}

/** What is handed over with an end, and is not shared. */
export function handedOver(...ends: readonly End[]): TransferListItem[] {
  return ends.flatMap(({ ports }) => ports)
}

export async function openWriter(end: End): Promise<Write> {
  switch (end.way) {
    case 'ringbuf, framed':
    case 'ringbuf, one size':
      return openRingbufWriter(end)
    case 'port, typed array':
    case 'port, numbers':
    case 'port, polled':
      return openPortWriter(end)
    case 'array':
      return openArrayWriter(end)
    default:
      return openRingWriter(end)
  }
}

export async function openReader(end: End, audit: Audit): Promise<ReadEnd> {
  switch (end.way) {
    case 'ringbuf, framed':
    case 'ringbuf, one size':
      return openRingbufReader(end, audit)
    case 'port, typed array':
    case 'port, numbers':
    case 'port, polled':
      return openPortReader(end, audit)
    case 'array':
      return openArrayReader(end, audit)
    default:
      return openRingReader(end, audit)
  }
}
