import type { Asking, Road, Way } from './wire.ts'

/** What lies between a store and its sequencer: a connection, over which messages come in order or not at all. */
export interface Wire {
  /** On the way to the sequencer; `lose` where it does not get through. */
  there(arrive: () => void, lose: () => void): void
  /** On the way back. */
  back(arrive: () => void, lose: () => void): void
  /** Calls back when whoever asks would find out that the connection is broken. */
  noticed(callback: () => void): void
}

/**
 * A road that breaks when a message does not get through, as a connection does: what was on it is lost, nothing comes after it, and a moment
 * later both ends know.
 *
 *   store ── ask ──▶ wire ──▶ sequencer ── tell ──▶ wire ✂      noticed: onGone, and the store may join anew
 */
export function breakableRoad(road: Road, wire: Wire): Road {
  return (asking: Asking): Way => {
    let isBroken = false
    const lose = (): void => {
      if (isBroken) return
      isBroken = true
      wire.noticed(() => {
        way.close()
        asking.onGone()
      })
    }
    const carry = (get: Wire['there'], arrive: () => void): void => {
      if (isBroken) return
      const unlessBroken = (): void => {
        if (!isBroken) arrive()
      }
      get(unlessBroken, lose)
    }
    const way = road({
      tell: message => carry(wire.back, () => asking.tell(message)),
      onGone: () => asking.onGone(),
    })
    return { ask: asked => carry(wire.there, () => way.ask(asked)), close: () => way.close() }
  }
}
