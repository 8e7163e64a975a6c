import { steadyMs } from './clock.ts'

/** A person mistypes a token a few times; 100 tries a minute make even a short token last for years. */
const WRONG_MAX = 100
const WINDOW_MS = 60_000
/** Peers remembered at once; the oldest is forgotten first, which bounds the memory an attacker can take. */
const PEERS_MAX = 1024

/** Counts wrong tokens by peer address, so that guessing a short one is slow however fast the guesses come. */
export class WrongTokens {
  readonly #now: () => number
  readonly #peers = new Map<string, { since: number; wrong: number }>()

  constructor(now: () => number = steadyMs) {
    this.#now = now
  }

  /** Seconds this peer has to wait before its next token is looked at; 0: none. */
  waitS(peer: string): number {
    const known = this.#peers.get(peer)
    if (known === undefined) return 0
    const leftMs = known.since + WINDOW_MS - this.#now()
    if (leftMs <= 0) {
      this.#peers.delete(peer)
      return 0
    }
    return known.wrong < WRONG_MAX ? 0 : Math.ceil(leftMs / 1000)
  }

  count(peer: string): void {
    const known = this.#peers.get(peer)
    if (known !== undefined) {
      known.wrong++
      return
    }
    if (this.#peers.size >= PEERS_MAX) this.#peers.delete(this.#peers.keys().next().value as string)
    this.#peers.set(peer, { since: this.#now(), wrong: 1 })
  }
}
