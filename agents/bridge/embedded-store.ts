import type { MessagePort } from 'node:worker_threads'
import { SignalboxError } from '../../engine/writer.ts'
import { type Monotonic, monotonic } from './clock.ts'
import type { Answer, Change, Entry, Lease, Listing, Store, StoreStatus, Watch } from './store.ts'
import type { AnswerOf, Asked, Noted, Told } from './wire.ts'

/** How long an answer is waited for, in ms: a sequencer answers within one, unless it is gone or the machine stands still. */
const PATIENCE_MS = 1000

/** A lease is said to be lost so much of its time before it runs out: whoever holds it stops before anybody else begins. */
const LEASE_SHARE = 0.8

type Call = Asked['call']
/** What is asked, without the number it gets. */
type Question<C extends Call> = Extract<Asked, { call: C }> extends infer A ? Omit<A, 'id' | 'call'> : never

interface Pending {
  readonly resolve: (answer: never) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

interface Watching {
  readonly onChanges: (changes: Change[]) => void
  readonly onLost: () => void
}

export interface StoreOptions {
  /** How long an answer is waited for, in ms. */
  readonly patienceMs?: number
  readonly now?: Monotonic
}

/**
 * A store whose sequencer is another thread of this process.
 *
 *   call ──▶ Asked ──▶ port ──▶ sequencer      SBX_STORE_SILENT: no answer in time, or the thread has gone
 *
 * Where the thread has gone, what waits for an answer fails, and watches and leases are lost; it goes on when it `joins` the next one.
 */
export class EmbeddedStore implements Store {
  #port: MessagePort | undefined
  readonly #patienceMs: number
  readonly #now: Monotonic
  readonly #pending = new Map<number, Pending>()
  readonly #watching = new Map<number, Watching>()
  readonly #leases = new Set<HeldLease>()
  #asked = 0

  constructor({ patienceMs = PATIENCE_MS, now = monotonic }: StoreOptions = {}) {
    this.#patienceMs = patienceMs
    this.#now = now
  }

  /** From now on this is the way to the sequencer. What was asked by another way is not answered. */
  join(port: MessagePort): void {
    this.leave()
    this.#port = port
    port.on('message', (message: Told | Noted) => this.#onMessage(message))
    port.on('close', () => {
      if (this.#port === port) this.leave()
    })
    port.unref()
  }

  /** There is no sequencer: what waits for an answer fails, watches and leases are lost. */
  leave(): void {
    const port = this.#port
    this.#port = undefined
    port?.close()
    for (const id of [...this.#pending.keys()]) this.#fail(id, silent('the sequencer has gone'))
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
      () => this.#lose(id),
    )
    return {
      close: () => {
        if (this.#watching.delete(id)) this.#port?.postMessage({ call: 'unwatch', id } satisfies Asked)
      },
    }
  }

  async lease(ttlMs: number): Promise<Lease> {
    const askedAtMs = this.#now()
    const id = await this.#ask('grant', { ttlMs })
    const lease = new HeldLease(id, ttlMs, askedAtMs, this.#now, {
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
      const port = this.#port
      if (port === undefined) {
        reject(silent('there is no sequencer'))
        return
      }
      const timer = setTimeout(
        () => this.#fail(id, silent(`no answer within ${this.#patienceMs} ms`)),
        this.#patienceMs,
      )
      this.#pending.set(id, { resolve: resolve as (answer: never) => void, reject, timer })
      port.postMessage({ call, id, ...question })
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
    clearTimeout(pending?.timer)
    return pending
  }

  #fail(id: number, error: Error): void {
    this.#take(id)?.reject(error)
  }

  #lose(id: number): void {
    const watching = this.#watching.get(id)
    this.#watching.delete(id)
    watching?.onLost()
  }
}

interface LeaseCalls {
  keep(): Promise<boolean>
  end(): Promise<undefined>
  onOver(): void
}

/** A lease that is kept alive, three times within its time. */
class HeldLease implements Lease {
  readonly id: string
  readonly #ttlMs: number
  readonly #now: Monotonic
  readonly #calls: LeaseCalls
  readonly #lost = new AbortController()
  readonly #beat: NodeJS.Timeout
  #keptAtMs: number
  #isOver = false

  /** `keptAtMs`: when it was asked for, not when it was answered: the sequencer may have begun to count then. */
  constructor(id: string, ttlMs: number, keptAtMs: number, now: Monotonic, calls: LeaseCalls) {
    this.id = id
    this.#ttlMs = ttlMs
    this.#keptAtMs = keptAtMs
    this.#now = now
    this.#calls = calls
    this.#beat = setInterval(() => void this.#keep(), Math.max(1, ttlMs / 12))
    this.#beat.unref()
  }

  get isHeld(): boolean {
    return !this.#isOver && this.#now() - this.#keptAtMs < this.#ttlMs * LEASE_SHARE
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  lose(): void {
    if (this.#isOver) return
    this.#over()
    this.#lost.abort()
  }

  async end(): Promise<void> {
    if (this.#isOver) return
    this.#over()
    await this.#calls.end()
  }

  #over(): void {
    this.#isOver = true
    clearInterval(this.#beat)
    this.#calls.onOver()
  }

  async #keep(): Promise<void> {
    if (!this.isHeld) {
      this.lose()
      return
    }
    const nowMs = this.#now()
    if (nowMs - this.#keptAtMs < this.#ttlMs / 3) return
    try {
      if (await this.#calls.keep()) this.#keptAtMs = nowMs
      else this.lose()
    } catch {
      // Silence: it is asked again, as long as there is time.
    }
  }
}

function silent(why: string): SignalboxError {
  return new SignalboxError('SBX_STORE_SILENT', `Cannot say what became of the call: ${why}`)
}
