import { attachRing, createRing, type Ring, type RingReader, type RingWriter } from '../../engine/writer.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import { Unpacker } from './packed.ts'

/**
 * Room of a lane in bytes: some two thousand small signals, or eight batches of a thousand endpoints. There is a lane only where
 * telemetry is sent, and only the pages that it has used are in memory.
 */
export const LANE_BYTES = 512 * 1024
/** The longest signal that a lane of that size takes. */
export const LANE_LONGEST_BYTES = LANE_BYTES / 8

/** Type of the ring's records: there is but one. */
const SIGNAL = 0

/**
 * Telemetry's way to one peer: a ring in shared memory, written here and read there.
 *
 *   sender                                                 reader
 *   pack, write ──▶ ring ─────────────────────────────────▶ drain, until nothing is left, then doze
 *        └─ has it woken the reader? ── nudge, by port ───▶ drain again
 *
 * A reader that is at it gets no nudge, so a burst costs one. When the ring is full, what comes is lost and counted: nobody waits.
 */
export class LaneOut {
  readonly buffer: SharedArrayBuffer
  readonly #writer: RingWriter
  readonly #nudge: () => void

  constructor(nudge: () => void) {
    const ring: Ring = createRing({ bytes: LANE_BYTES, writers: 'one' })
    this.buffer = ring.buffer
    this.#writer = ring.writer()
    this.#nudge = nudge
  }

  /** Sends packed bytes. False: there is no room, they are lost. */
  send(packed: Uint8Array): boolean {
    if (!this.#writer.writeOrLose(SIGNAL, packed)) return false
    if (this.#writer.hasWoken) this.#nudge()
    return true
  }
}

/** The reading end of a lane. */
export class LaneIn {
  readonly #reader: RingReader
  readonly #unpacker: Unpacker
  readonly #onSignal: (signal: Signal) => void
  #again: NodeJS.Immediate | undefined

  constructor(buffer: SharedArrayBuffer, onSignal: (signal: Signal) => void) {
    this.#reader = attachRing(buffer).reader()
    this.#unpacker = new Unpacker(buffer)
    this.#onSignal = onSignal
  }

  /** Hands on what is there. What comes meanwhile waits for the next turn of the event loop, so that others get theirs. */
  drain(): void {
    this.#reader.drain((_, __, offset) => this.#onSignal(this.#unpacker.unpack(offset) as Signal))
    if (this.#again !== undefined || this.#reader.doze()) return
    this.#again = setImmediate(() => {
      this.#again = undefined
      this.drain()
    })
  }

  close(): void {
    clearImmediate(this.#again)
    this.#reader.close()
  }
}
