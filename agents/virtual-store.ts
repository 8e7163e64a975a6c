import { bridgeOf } from './bridge/agent-bridge.ts'
import { breakableRoad } from './bridge/breakable-road.ts'
import type { EmbeddedStore } from './bridge/embedded-store.ts'
import { InlineSequencer } from './bridge/inline-sequencer.ts'
import type { Network } from './kit/virtual/network.ts'
import type { NodeClock } from './kit/virtual/node-clock.ts'
import type { Bridging } from './kit/virtual/running-plane.ts'
import type { VirtualClock } from './kit/virtual/virtual-clock.ts'

/** Where the store is in the network of a simulated cluster. */
export const STORE = 'store'

/** Who asks over a broken connection finds out so late, and tries to connect anew so often, in ms. */
const NOTICED_MS = 1_000
const AGAIN_MS = 1_000

/**
 * The one store of a simulated cluster: a sequencer at a place of its own in the network, which nodes reach by connections that break
 * where a link is cut. What it keeps outlives its own death.
 */
export class VirtualStore {
  readonly #sequencer: InlineSequencer
  readonly #network: Network

  constructor(clock: VirtualClock, network: Network) {
    this.#sequencer = new InlineSequencer({ clock, keeps: true })
    this.#network = network
  }

  /** Nobody reaches it for so many ms from now on; what it was told before is still there afterwards. */
  down(ms: number): void {
    this.#sequencer.kill(ms)
  }

  /** How the agents of a node agree with those of others. */
  bridging(node: string, clock: NodeClock): { readonly bridge: Bridging; end(): void } {
    const stores = new Set<EmbeddedStore>()
    const open = (): EmbeddedStore => {
      const store: EmbeddedStore = this.#sequencer.open({ clock }, road =>
        breakableRoad(road, {
          there: (arrive, lose) => this.#network.stream(node, STORE, arrive, lose),
          back: (arrive, lose) => this.#network.stream(STORE, node, () => void (clock.arrive(arrive) || lose()), lose),
          noticed: callback => {
            clock.later(NOTICED_MS, () => {
              callback()
              this.#joinAgain(node, clock, store)
            })
          },
        }),
      )
      stores.add(store)
      return store
    }
    return {
      bridge: (agent, agentClock, dice) => bridgeOf(agent, open(), agentClock, dice, node),
      end: () => {
        for (const store of stores) this.#sequencer.forget(store)
      },
    }
  }

  close(): void {
    this.#sequencer.close()
  }

  #joinAgain(node: string, clock: NodeClock, store: EmbeddedStore): void {
    const isCut = this.#network.isCut(node, STORE) || this.#network.isCut(STORE, node)
    if (isCut) clock.later(AGAIN_MS, () => this.#joinAgain(node, clock, store))
    else this.#sequencer.join(store)
  }
}
