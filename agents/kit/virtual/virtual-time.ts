import { VirtualClock } from './virtual-clock.ts'

/** A start of virtual time that the real clock does not catch up with, on a region that was just made. */
const START_MS = 1_000_000
/** After each step so many turns are left to promises: what a fake action awaits must not take more. */
const PROMISE_TURNS = 8

/** A virtual clock with all that follows from what falls due, promises too; one plane lives in it, or all of a cluster. */
export class VirtualTime {
  readonly clock: VirtualClock
  readonly #hands = new Set<() => void>()

  constructor() {
    this.clock = new VirtualClock(START_MS, () => {
      for (const hand of this.#hands) hand()
    })
  }

  /** Calls at each moment it comes to, before what is due then; returns how to call it off. */
  onMove(hand: () => void): () => void {
    this.#hands.add(hand)
    return () => this.#hands.delete(hand)
  }

  /** Lets so many ms pass, with all that falls due in them and all that follows. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.clock.preciseMs() + ms
    while (this.clock.step(untilMs)) await settlePromises()
    this.clock.advance(untilMs - this.clock.preciseMs())
    await settlePromises()
  }

  /** Goes to the next moment at which anything is due; false: nothing ever will. */
  async step(): Promise<boolean> {
    const hasStepped = this.clock.step()
    await settlePromises()
    return hasStepped
  }
}

async function settlePromises(): Promise<void> {
  for (let turn = 0; turn < PROMISE_TURNS; turn++) await null
}
