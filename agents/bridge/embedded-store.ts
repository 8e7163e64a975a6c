import { SignalboxError } from '../../engine/writer.ts'
import { type BridgeClock, realClock } from './clock.ts'
import { HeldLease } from './held-lease.ts'
import type { Answer, Change, Entry, Lease, Listing, Store, StoreStatus, Watch } from './store.ts'
import type { AnswerOf, Asked, Noted, Road, Told, Way } from './wire.ts'

/** How long an answer is waited for, in ms: a sequencer answers within one, unless it is gone or the machine stands still. */
const PATIENCE_MS = 1000

type Call = Asked['call']
/** What is asked, without the number it gets. */
type Question<C extends Call> = Extract<Asked, { call: C }> extends infer A ? Omit<A, 'id' | 'call'> : never

interface Pending {
  readonly resolve: (answer: never) => void
  readonly reject: (error: Error) => void
  readonly callOff: () => void
}

interface Watching {
  readonly onChanges: (changes: Change[]) => void
  readonly onLost: () => void
}

/** Calls that change what others read. */
const CHANGES: ReadonlySet<Call> = new Set(['create', 'cas'])

export interface StoreOptions {
  /** How long an answer is waited for, in ms. */
  readonly patienceMs?: number
  readonly clock?: BridgeClock
}

/**
 * A store whose sequencer is in this process: in another thread, or in this one.
 *
 *   call ──▶ Asked ──▶ way ──▶ sequencer      SBX_STORE_SILENT: no answer in time, or the sequencer has gone
 *
 * Where that has gone, what waits for an answer fails, and watches and leases are lost; it goes on when it `joins` the next one. What is asked
 * meanwhile waits for that as long as for an answer: whoever tries again and again does so once a second while there is none. A change
 * does not wait: the next one may have forgotten what it is about.
 */
export class EmbeddedStore implements Store {
  #way: Way | undefined
  readonly #patienceMs: number
  readonly #clock: BridgeClock
  readonly #pending = new Map<number, Pending>()
  /** Asked while there was no way. */
  readonly #unasked = new Map<number, Asked>()
  readonly #watching = new Map<number, Watching>()
  readonly #leases = new Set<HeldLease>()
  #asked = 0

  constructor({ patienceMs = PATIENCE_MS, clock = realClock }: StoreOptions = {}) {
    this.#patienceMs = patienceMs
    this.#clock = clock
  }

  /** From now on this is the way to the sequencer. What was asked by another way is not answered. */
  join(road: Road): void {
    if (this.#way !== undefined) this.leave()
    const way: Way = road({
      tell: message => {
        if (this.#way === way) this.#onMessage(message)
      },
      onGone: () => {
        if (this.#way === way) this.leave()
      },
    })
    this.#way = way
    const unasked = [...this.#unasked.values()]
    this.#unasked.clear()
    for (const asked of unasked) way.ask(asked)
  }

  /** There is no sequencer: what waits for an answer fails, watches and leases are lost. */
  leave(): void {
    const way = this.#way
    this.#way = undefined
    way?.close()
    const gone = silent('the sequencer has gone')
    for (const id of [...this.#pending.keys()]) this.#fail(id, gone)
    for (const id of [...this.#watching.keys()]) this.#lose(id)
    for (const lease of [...this.#leases]) lease.lose()
  }

  create(key: string, value: string, lease?: Lease): Promise<Answer> {
    return this.#ask('create', { key, value, ...(lease && { lease: lease.id }) })
  }

  cas(key: string, value: string | undefined, revision: number, lease?: Lease): Promise<Answer> {
    const what = { key, revision, ...(value !== undefined && { value }), ...(lease && { lease: lease.id }) }
    return this.#ask('cas', what)
  }

  get(key: string): Promise<Entry | undefined> {
    return this.#ask('get', { key })
  }

  list(prefix: string): Promise<Listing> {
    return this.#ask('list', { prefix })
  }

  watch(prefix: string, revision: number, onChanges: (changes: Change[]) => void, onLost: () => void): Watch {
    const id = this.#asked + 1
    this.#watching.set(id, { onChanges, onLost })
    this.#ask('watch', { prefix, revision }).then(
      isWatching => {
        if (!isWatching) this.#lose(id)
      },
      () => {
        // It may have begun all the same, and would be told to nobody for good.
        this.#way?.ask({ call: 'unwatch', id })
        this.#lose(id)
      },
    )
    return {
      close: () => {
        if (this.#watching.delete(id)) this.#way?.ask({ call: 'unwatch', id })
      },
    }
  }

  async lease(ttlMs: number): Promise<Lease> {
    const askedAtMs = this.#clock.now()
    const id = await this.#ask('grant', { ttlMs })
    const lease = new HeldLease(id, ttlMs, askedAtMs, this.#clock, {
      keep: () => this.#ask('keep', { lease: id }),
      end: () => this.#ask('end', { lease: id }),
      onOver: () => this.#leases.delete(lease),
    })
    this.#leases.add(lease)
    return lease
  }

  status(): Promise<StoreStatus> {
    return this.#ask('status', {})
  }

  #ask<C extends Call>(call: C, question: Question<C>): Promise<AnswerOf[C]> {
    const id = ++this.#asked
    return new Promise((resolve, reject) => {
      if (this.#way === undefined && CHANGES.has(call)) {
        reject(silent('there is no sequencer'))
        return
      }
      const callOff = this.#clock.later(this.#patienceMs, () =>
        this.#fail(id, silent(`no answer within ${this.#patienceMs} ms`)),
      )
      this.#pending.set(id, { resolve: resolve as (answer: never) => void, reject, callOff })
      const asked = { call, id, ...question } as unknown as Asked
      if (this.#way === undefined) this.#unasked.set(id, asked)
      else this.#way.ask(asked)
    })
  }

  #onMessage(message: Told | Noted): void {
    if ('watch' in message) {
      const watching = this.#watching.get(message.watch)
      if (message.changes === undefined) this.#lose(message.watch)
      else watching?.onChanges(message.changes)
    } else if ('fault' in message) {
      this.#fail(message.id, new SignalboxError('SBX_STORE_REFUSED', `Cannot change the store: ${message.fault}`))
    } else {
      const pending = this.#take(message.id)
      pending?.resolve(message.answer as never)
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    pending?.callOff()
    return pending
  }

  #fail(id: number, error: Error): void {
    this.#unasked.delete(id)
    this.#take(id)?.reject(error)
  }

  #lose(id: number): void {
    const watching = this.#watching.get(id)
    this.#watching.delete(id)
    watching?.onLost()
  }
}

function silent(why: string): SignalboxError {
  return new SignalboxError('SBX_STORE_SILENT', `Cannot say what became of the call: ${why}`)
}
