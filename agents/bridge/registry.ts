import { type BridgeClock, pauseAgain, realClock } from './clock.ts'
import { type Follower, Following } from './following.ts'
import type { Voter } from './proposal.ts'
import type { Entry, Lease, Store } from './store.ts'

const ROOT = 'registry/'

/** What an agent says of itself. */
export interface Registration {
  readonly agent: string
  readonly role: string
  /** Which of its lives this is; it only grows. */
  readonly incarnation: number
  readonly capabilities: readonly string[]
  readonly zone?: string
  readonly health: 'healthy' | 'degraded' | 'failed'
  /** What else it says of itself: which `node` it is on, the `url` at which it serves requests. */
  readonly meta?: Readonly<Record<string, string>>
}

/** What is looked for; whatever is not said may be anything. */
export interface Criteria {
  readonly role?: string
  readonly capability?: string
  readonly zone?: string
  readonly health?: Registration['health']
}

export interface Registered {
  /** Says something else of oneself. */
  update(change: Partial<Pick<Registration, 'capabilities' | 'zone' | 'health' | 'meta'>>): void
  /** The revision of what lies there; 0 while nothing does: the agent runs, and its registration is tried again. */
  readonly revision: number
  /** Takes it out. */
  end(): Promise<void>
}

/**
 * Who is there: each agent under its name, on a lease, so that one that is silent for too long is not there any more. What is
 * read is a copy that is kept up to date; it costs no call.
 *
 *   register ──▶ create registry/agent, on a lease ──▶ lost, or silent ──▶ again, as long as it lives
 *            └─▶ a later life is there ──▶ that one has gone ──▶ again
 *
 * A later life may be one of another process that has died since, on a store that outlives both.
 */
export class Registry {
  readonly #store: Store
  readonly #following: Following
  readonly #there = new Map<string, Registration>()
  readonly #places = new Set<Place>()
  readonly #clock: BridgeClock
  readonly #listeners = new Set<() => void>()

  constructor(store: Store, clock = realClock) {
    this.#store = store
    this.#clock = clock
    const follower: Follower = {
      onAnew: entries => {
        this.#there.clear()
        for (const { key, value } of entries) this.#see(key, value)
        this.#tell()
      },
      onChanges: changes => {
        for (const { key, entry } of changes) this.#see(key, entry?.value)
        this.#tell()
      },
    }
    this.#following = new Following(store, ROOT, follower, clock)
  }

  /** Returns at once; the agent is there when it has a revision. `ttlMs`: silent for so long, it is not there any more. */
  register(registration: Registration, ttlMs: number): Registered {
    const place = new Place(this.#store, this.#clock, registration, ttlMs, () => this.#places.delete(place))
    this.#places.add(place)
    return place
  }

  /** Those that are there and are what is looked for, by name. */
  discover({ role, capability, zone, health }: Criteria = {}): Registration[] {
    return [...this.#there.values()]
      .filter(
        each =>
          (role === undefined || each.role === role) &&
          (capability === undefined || each.capabilities.includes(capability)) &&
          (zone === undefined || each.zone === zone) &&
          (health === undefined || each.health === health),
      )
      .sort((a, b) => (a.agent < b.agent ? -1 : 1))
  }

  /** What an agent said of itself; undefined where it is not there. */
  find(agent: string): Registration | undefined {
    return this.#there.get(agent)
  }

  /** Whether an agent is not there any more in this life of its, asked of the store and not of the copy. Rejects where that is silent. */
  async isGone({ agent, incarnation }: Voter): Promise<boolean> {
    const entry = await this.#store.get(`${ROOT}${agent}`)
    return entry === undefined || readRegistration(entry.value)?.incarnation !== incarnation
  }

  /** Calls when somebody came, went or said something else of itself; returns how to call it off. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes out what was registered here, and reads no more. */
  async close(): Promise<void> {
    this.#following.close()
    await Promise.all([...this.#places].map(place => place.end()))
  }

  #tell(): void {
    for (const place of this.#places) if (!this.#there.has(place.agent)) place.onVacant()
    for (const listener of [...this.#listeners]) listener()
  }

  #see(key: string, value: string | undefined): void {
    const agent = key.slice(ROOT.length)
    const registration = value === undefined ? undefined : readRegistration(value)
    if (registration === undefined) this.#there.delete(agent)
    else this.#there.set(agent, registration)
  }
}

/** What others wrote is looked at before it is believed. */
function readRegistration(value: string): Registration | undefined {
  try {
    const registration = JSON.parse(value) as Partial<Registration> | null
    const { agent, role, incarnation, capabilities } = registration ?? {}
    const isOne = typeof agent === 'string' && typeof role === 'string' && Number.isSafeInteger(incarnation)
    return isOne && Array.isArray(capabilities) ? (registration as Registration) : undefined
  } catch {
    return undefined
  }
}

/** One agent's place in it. */
class Place implements Registered {
  revision = 0
  readonly #store: Store
  readonly #clock: BridgeClock
  readonly #ttlMs: number
  readonly #onEnd: () => void
  #registration: Registration
  #lease: Lease | undefined
  #hasChanged = false
  #isWriting = false
  #isEnded = false
  /** When it looked last a later life of the same agent was there. */
  #isOutlived = false

  constructor(store: Store, clock: BridgeClock, registration: Registration, ttlMs: number, onEnd: () => void) {
    this.#store = store
    this.#clock = clock
    this.#registration = registration
    this.#ttlMs = ttlMs
    this.#onEnd = onEnd
    this.#change()
  }

  get agent(): string {
    return this.#registration.agent
  }

  /** Nobody is there of this name. */
  onVacant(): void {
    if (this.#isOutlived) this.#change()
  }

  update(change: Partial<Pick<Registration, 'capabilities' | 'zone' | 'health' | 'meta'>>): void {
    this.#registration = { ...this.#registration, ...change }
    this.#change()
  }

  async end(): Promise<void> {
    this.#isEnded = true
    this.revision = 0
    this.#onEnd()
    await this.#lease?.end().catch(() => {})
  }

  #change(): void {
    this.#hasChanged = true
    if (!this.#isWriting) void this.#write()
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    while (this.#hasChanged && !this.#isEnded) {
      this.#hasChanged = false
      try {
        await this.#writeOnce()
      } catch {
        this.#hasChanged = true
        await pauseAgain(this.#clock)
      }
    }
    this.#isWriting = false
  }

  async #writeOnce(): Promise<void> {
    const key = `${ROOT}${this.#registration.agent}`
    const value = JSON.stringify(this.#registration)
    const lease = this.#lease?.isHeld === true ? this.#lease : await this.#newLease()
    const there = await this.#store.get(key)
    this.#isOutlived = there !== undefined && this.#isNewer(there)
    if (this.#isOutlived) {
      this.revision = 0
      return
    }
    const answer =
      there === undefined
        ? await this.#store.create(key, value, lease)
        : await this.#store.cas(key, value, there.revision, lease)
    if (this.#isEnded) {
      await lease.end()
    } else if (answer.isMade) {
      this.revision = answer.revision
    } else {
      // Somebody was faster, or the lease has run out: both are looked at anew.
      this.#hasChanged = true
      await pauseAgain(this.#clock)
    }
  }

  /** It is of a later life of the same agent. */
  #isNewer({ value }: Entry): boolean {
    return (readRegistration(value)?.incarnation ?? -1) > this.#registration.incarnation
  }

  async #newLease(): Promise<Lease> {
    const lease = await this.#store.lease(this.#ttlMs)
    this.#lease = lease
    lease.lost.addEventListener('abort', () => {
      this.revision = 0
      if (this.#lease === lease) this.#change()
    })
    return lease
  }
}
