import { type BridgeClock, pauseAgain, realClock } from './clock.ts'
import { type Follower, Following } from './following.ts'
import type { Rights } from './rights.ts'
import type { Entry, Lease, Store } from './store.ts'

/** A term of office. */
export interface Leadership {
  /** Grows from one leader to the next: whoever acts on behalf of the role says it along, and loses to a higher one. */
  readonly fence: number
  /** Whether it has certainly not ended, asked of the clock: to be asked before each step. */
  readonly isHeld: boolean
  /** Aborted when it has ended or may have: what is under way must stop. */
  readonly lost: AbortSignal
}

export interface ElectionOptions {
  /** What is led, one at a time over all who stand for it. */
  readonly role: string
  readonly candidate: string
  /** A leader that is silent for so long is one no more, in ms. */
  readonly ttlMs: number
  readonly onLead: (leadership: Leadership) => void
  readonly clock?: BridgeClock
  /** Who has no right to decide neither stands nor leads. Left out: it has. */
  readonly rights?: Rights
}

/**
 * Stands for a role: leads when nobody else does.
 *
 *   nobody leads ──▶ create leader/role, on a lease ──▶ made: leads ──▶ lease lost ──▶ stands again
 *                                                  └─▶ not made: another one does ──▶ its key goes ──▶ stands again
 *
 * Two may believe to lead for as long as it takes the older one to look at its clock; fences tell them apart.
 */
export class Election {
  readonly #store: Store
  readonly #options: ElectionOptions
  readonly #key: string
  readonly #clock: BridgeClock
  readonly #following: Following
  #leader: Entry | undefined
  /** Of the last change that was told. */
  #seen = 0
  #lease: Lease | undefined
  readonly #callOff: () => void
  #isStanding = false
  #isClosed = false

  constructor(store: Store, options: ElectionOptions) {
    this.#store = store
    this.#options = options
    this.#key = `leader/${options.role}`
    this.#clock = options.clock ?? realClock
    const follower: Follower = {
      onAnew: entries => this.#see(entries.find(({ key }) => key === this.#key)),
      onChanges: changes => {
        for (const { key, entry, revision } of changes) if (key === this.#key) this.#see(entry, revision)
      },
    }
    this.#following = new Following(store, this.#key, follower, this.#clock)
    this.#callOff = options.rights?.onChange(() => this.#onRights()) ?? (() => {})
  }

  /** Who leads, as far as is known here, and with which fence. */
  get leader(): { readonly candidate: string; readonly fence: number } | undefined {
    return this.#leader && { candidate: this.#leader.value, fence: this.#leader.revision }
  }

  /** It was closed. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Stands no more; who leads resigns, and the next one need not wait for the lease to run out. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#callOff()
    this.#following.close()
    await this.#resign()
  }

  get #mayStand(): boolean {
    return !this.#isClosed && this.#options.rights?.mayDecide !== false
  }

  #onRights(): void {
    if (!this.#mayStand) void this.#resign()
    else if (this.#leader === undefined) void this.#stand()
  }

  async #resign(): Promise<void> {
    const lease = this.#lease
    this.#lease = undefined
    await lease?.end().catch(() => {})
  }

  #see(leader: Entry | undefined, revision = leader?.revision ?? this.#seen): void {
    this.#seen = revision
    this.#leader = leader
    if (leader === undefined) void this.#stand()
  }

  async #stand(): Promise<void> {
    if (this.#isStanding) return
    this.#isStanding = true
    while (this.#mayStand && this.#leader === undefined && this.#lease?.isHeld !== true) {
      let lease: Lease | undefined
      try {
        lease = await this.#store.lease(this.#options.ttlMs)
        const answer = await this.#store.create(this.#key, this.#options.candidate, lease)
        if (answer.isMade && this.#mayStand) this.#lead(lease, answer.revision)
        else await lease.end()
        // Another one does; that it does no more is told later, unless it was told already.
        if (!answer.isMade && answer.entry !== undefined && answer.entry.revision > this.#seen) this.#see(answer.entry)
      } catch {
        // It may have been made: then it goes with its lease.
        await lease?.end().catch(() => {})
        await pauseAgain(this.#clock)
      }
    }
    this.#isStanding = false
  }

  #lead(lease: Lease, fence: number): void {
    this.#lease = lease
    lease.lost.addEventListener('abort', () => {
      if (this.#lease === lease) this.#lease = undefined
      if (this.#leader === undefined) void this.#stand()
    })
    this.#options.onLead({
      fence,
      lost: lease.lost,
      get isHeld() {
        return lease.isHeld
      },
    })
  }
}
