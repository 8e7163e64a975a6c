import type { MessagePort } from 'node:worker_threads'
import type { Signal } from '../kit/signal.ts'

/** Signals on their way to one peer before facts are lost too; of telemetry half as many, so that facts have room. */
export const LINK_SIGNALS = 1024

/** What travels between two threads. */
type Parcel =
  | { readonly listens: readonly string[] }
  | { readonly signal: Signal }
  /** So many signals were taken since the last time this was said. */
  | { readonly taken: number }

/**
 * Carries signals between agents in different threads: one MessagePort for each pair of them, made by the supervisor,
 * which has no part in what travels there.
 *
 *   health-monitor ◀──────▶ failure-detector
 *          ▲                    ▲
 *          └──▶ load-balancer ◀─┘
 *
 * Bounded by the sender: a peer that takes nothing (it hangs, or is dead and not yet noticed) has at most LINK_SIGNALS
 * waiting for it; what comes after is counted and dropped. No peer waits for another.
 */
export class LocalBus {
  dropped = 0
  readonly #listens: readonly string[]
  readonly #onSignal: (signal: Signal) => void
  readonly #room: number
  readonly #links = new Map<string, Link>()

  constructor(listens: readonly string[], onSignal: (signal: Signal) => void, room = LINK_SIGNALS) {
    this.#listens = listens
    this.#onSignal = onSignal
    this.#room = room
  }

  /** Uses this port to the named peer from now on, in place of an older one. */
  link(peer: string, port: MessagePort): void {
    this.#links.get(peer)?.port.close()
    const link: Link = { port, listens: undefined, onTheWay: 0, taken: 0, isTelling: false }
    this.#links.set(peer, link)
    port.on('message', (parcel: Parcel) => this.#onParcel(link, parcel))
    port.on('close', () => {
      if (this.#links.get(peer) === link) this.#links.delete(peer)
    })
    port.postMessage({ listens: this.#listens } satisfies Parcel)
  }

  /** The peers there is a link to. */
  get peers(): string[] {
    return [...this.#links.keys()]
  }

  /** Returns to how many peers it is on its way. */
  send(signal: Signal, isTelemetry: boolean): number {
    let sent = 0
    const room = isTelemetry ? this.#room / 2 : this.#room
    for (const link of this.#links.values()) {
      // Until a peer has said what it listens to, it gets everything: better one signal in vain than a fact lost.
      if (link.listens !== undefined && !link.listens.has(signal.type)) continue
      if (link.onTheWay >= room) {
        this.dropped++
        continue
      }
      link.onTheWay++
      link.port.postMessage({ signal } satisfies Parcel)
      sent++
    }
    return sent
  }

  close(): void {
    for (const { port } of this.#links.values()) port.close()
    this.#links.clear()
  }

  #onParcel(link: Link, parcel: Parcel): void {
    if ('signal' in parcel) {
      link.taken++
      this.#tell(link)
      this.#onSignal(parcel.signal)
    } else if ('taken' in parcel) {
      link.onTheWay -= parcel.taken
    } else {
      link.listens = new Set(parcel.listens)
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
  /** Types the peer listens to; unknown until it has said so. */
  listens: ReadonlySet<string> | undefined
  /** Signals sent and not yet taken. */
  onTheWay: number
  taken: number
  isTelling: boolean
}
