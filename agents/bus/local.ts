import type { MessagePort } from 'node:worker_threads'
import type { Signal } from '../kit/grammar/signal.ts'
import { SignalRoutes } from '../kit/run/signal-routes.ts'
import { LANE_LONGEST_BYTES, LaneIn, LaneOut } from './lane.ts'
import { Packer } from './packed.ts'

/** Signals on their way to one peer by port before facts are lost too; of telemetry half as many, so that facts have room. */
export const LINK_SIGNALS = 1024

/** What travels by port between two threads. */
type Parcel =
  | { readonly listens: readonly string[] }
  | { readonly signal: Signal }
  /** So many signals were taken since the last time this was said. */
  | { readonly taken: number }
  /** Telemetry comes through this ring from now on. */
  | { readonly lane: SharedArrayBuffer }
  /** There is something in the ring, and the reader did not look. */
  | typeof NUDGE

const NUDGE = 0

/**
 * Carries signals between agents in different threads: one MessagePort for each pair of them, made by the supervisor,
 * which has no part in what travels there. Facts go by port; telemetry, which is hot, through a ring in shared memory, one for each
 * direction in which there is any.
 *
 *   health-monitor ◀──────▶ failure-detector          facts by port, in order
 *          ▲                    ▲                     telemetry by ring, in order
 *          └──▶ load-balancer ◀─┘                     telemetry sent before a fact is heard before it
 *
 * Bounded by the sender: a peer that takes nothing (it hangs, or is dead and not yet noticed) has at most LINK_SIGNALS
 * and a full ring waiting for it; what comes after is counted and dropped. No peer waits for another.
 *
 * Telemetry that is not plain, or too long for the ring, goes by port, and so does all of it until the peer has said what it listens to.
 */
export class LocalBus {
  dropped = 0
  #listens: readonly string[]
  readonly #onSignal: (signal: Signal) => void
  readonly #room: number
  readonly #links = new Map<string, Link>()
  readonly #packer = new Packer(LANE_LONGEST_BYTES)

  constructor(listens: readonly string[], onSignal: (signal: Signal) => void, room = LINK_SIGNALS) {
    this.#listens = listens
    this.#onSignal = onSignal
    this.#room = room
  }

  /** Uses this port to the named peer from now on, in place of an older one. */
  link(peer: string, port: MessagePort): void {
    const before = this.#links.get(peer)
    if (before !== undefined) end(before)
    const link: Link = {
      port,
      listens: undefined,
      onTheWay: 0,
      taken: 0,
      isTelling: false,
      out: undefined,
      in: undefined,
    }
    this.#links.set(peer, link)
    port.on('message', (parcel: Parcel) => this.#onParcel(link, parcel))
    port.on('close', () => {
      if (this.#links.get(peer) !== link) return
      this.#links.delete(peer)
      // What the peer wrote before it ended, and had no time to send word of.
      link.in?.drain()
      link.in?.close()
    })
    port.postMessage({ listens: this.#listens } satisfies Parcel)
  }

  /** Listens to these types and patterns from now on. */
  listen(types: readonly string[]): void {
    this.#listens = types
    for (const { port } of this.#links.values()) port.postMessage({ listens: types } satisfies Parcel)
  }

  /** The peers there is a link to. */
  get peers(): string[] {
    return [...this.#links.keys()]
  }

  /** Returns to how many peers it is on its way. */
  send(signal: Signal, isTelemetry: boolean): number {
    // Packed at most once, whoever listens.
    let bytes: number | undefined
    let sent = 0
    for (const link of this.#links.values()) {
      // Until a peer has said what it listens to, it gets everything: better one signal in vain than a fact lost.
      if (link.listens !== undefined && link.listens.targets(signal.type).length === 0) continue
      if (isTelemetry && link.listens !== undefined) bytes ??= this.#packer.pack(signal)
      const isSent =
        bytes === undefined || bytes < 0 || link.listens === undefined
          ? this.#sendByPort(link, signal, isTelemetry)
          : this.#laneTo(link).send(this.#packer.bytes.subarray(0, bytes))
      if (isSent) sent++
      else this.dropped++
    }
    return sent
  }

  close(): void {
    for (const link of this.#links.values()) end(link)
    this.#links.clear()
  }

  #sendByPort(link: Link, signal: Signal, isTelemetry: boolean): boolean {
    if (link.onTheWay >= (isTelemetry ? this.#room / 2 : this.#room)) return false
    link.onTheWay++
    link.port.postMessage({ signal } satisfies Parcel)
    return true
  }

  #laneTo(link: Link): LaneOut {
    if (link.out === undefined) {
      link.out = new LaneOut(() => link.port.postMessage(NUDGE satisfies Parcel))
      link.port.postMessage({ lane: link.out.buffer } satisfies Parcel)
    }
    return link.out
  }

  #onParcel(link: Link, parcel: Parcel): void {
    if (parcel === NUDGE) {
      link.in?.drain()
    } else if ('signal' in parcel) {
      link.taken++
      this.#tell(link)
      link.in?.drain()
      this.#onSignal(parcel.signal)
    } else if ('taken' in parcel) {
      link.onTheWay -= parcel.taken
    } else if ('lane' in parcel) {
      link.in = new LaneIn(parcel.lane, this.#onSignal)
      link.in.drain()
    } else {
      link.listens = new SignalRoutes()
      for (const pattern of parcel.listens) link.listens.add(pattern, true)
    }
  }

  /** Says once per turn of the event loop how many signals were taken. */
  #tell(link: Link): void {
    if (link.isTelling) return
    link.isTelling = true
    setImmediate(() => {
      link.isTelling = false
      link.port.postMessage({ taken: link.taken } satisfies Parcel)
      link.taken = 0
    })
  }
}

interface Link {
  readonly port: MessagePort
  /** Types and patterns the peer listens to; unknown until it has said so. */
  listens: SignalRoutes<true> | undefined
  /** Signals sent by port and not yet taken. */
  onTheWay: number
  taken: number
  isTelling: boolean
  /** Telemetry to the peer, and from it; made with the first of it. */
  out: LaneOut | undefined
  in: LaneIn | undefined
}

function end({ port, in: lane }: Link): void {
  port.close()
  lane?.close()
}
