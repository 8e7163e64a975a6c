import type { Sequencer, Written } from './sequencer.ts'
import type { AnswerOf, Asked, Noted, Told } from './wire.ts'

/** One store that asks. */
export interface Caller {
  tell(message: Told | Noted): void
}

interface Watched {
  readonly caller: Caller
  readonly id: number
  readonly prefix: string
  /** It has been told of changes up to this one. */
  seen: number
}

/** Where changes are kept before they are answered. One that cannot keep them throws, and nobody is answered. */
export interface Log {
  append(written: readonly Written[]): void
}

/**
 * Serves stores out of a sequencer: what is asked is carried out one after the other, what it changed is kept, and only then is it
 * answered and told to who watches.
 *
 *   ask … ask ──▶ settle ──▶ carried out ──▶ log, once for all of them ──▶ answers ──▶ watches
 */
export class SequencerDesk {
  readonly #sequencer: Sequencer
  readonly #log: Log | undefined
  readonly #watches: Watched[] = []
  #asked: { caller: Caller; asked: Asked }[] = []

  constructor(sequencer: Sequencer, log?: Log) {
    this.#sequencer = sequencer
    this.#log = log
  }

  /** Takes a call; it is answered when all that came with it are settled. True: it is the first of those. */
  ask(caller: Caller, asked: Asked): boolean {
    return this.#asked.push({ caller, asked }) === 1
  }

  /** It asks nothing more, and is told nothing more. Its leases run out by themselves. */
  leave(caller: Caller): void {
    this.#asked = this.#asked.filter(each => each.caller !== caller)
    for (let i = this.#watches.length - 1; i >= 0; i--) {
      if (this.#watches[i].caller === caller) this.#watches.splice(i, 1)
    }
  }

  /**
   * Carries out what was asked, and then ends leases that have run out: a sequencer that stood still hears who lived meanwhile first. Says
   * when to come again, as `Sequencer.expire`.
   */
  settle(nowMs: number): number {
    const all = this.#asked
    this.#asked = []
    const told = all.map(({ caller, asked }) => ({ caller, message: this.#answer(caller, asked, nowMs) }))
    const nextMs = this.#sequencer.expire(nowMs)
    const written = this.#sequencer.takeWritten()
    if (written.length > 0) this.#log?.append(written)
    for (const { caller, message } of told) caller.tell(message)
    for (const watched of [...this.#watches]) this.#note(watched)
    return nextMs
  }

  #answer(caller: Caller, asked: Asked, nowMs: number): Told {
    const { id } = asked
    try {
      return { id, answer: this.#carryOut(caller, asked, nowMs) }
    } catch (error) {
      return { id, fault: (error as Error).message }
    }
  }

  #carryOut(caller: Caller, asked: Asked, nowMs: number): AnswerOf[Asked['call']] {
    const sequencer = this.#sequencer
    switch (asked.call) {
      case 'create':
        return sequencer.create(asked.key, asked.value, asked.lease)
      case 'cas':
        return sequencer.cas(asked.key, asked.value, asked.revision, asked.lease)
      case 'get':
        return sequencer.get(asked.key)
      case 'list':
        return sequencer.list(asked.prefix)
      case 'watch': {
        const { id, prefix, revision } = asked
        if (sequencer.changesSince(prefix, revision) === undefined) return false
        this.#watches.push({ caller, id, prefix, seen: revision })
        return true
      }
      case 'unwatch':
        this.#forget(caller, asked.id)
        return undefined
      case 'grant':
        return sequencer.grant(asked.ttlMs, nowMs)
      case 'keep':
        return sequencer.keepAlive(asked.lease, nowMs)
      case 'end':
        sequencer.end(asked.lease)
        return undefined
      case 'status':
        return sequencer.status()
    }
  }

  #note(watched: Watched): void {
    const { caller, id, prefix, seen } = watched
    const { revision } = this.#sequencer
    if (seen === revision) return
    const changes = this.#sequencer.changesSince(prefix, seen)
    watched.seen = revision
    // So many at once that some are forgotten already.
    if (changes === undefined) this.#forget(caller, id)
    if (changes === undefined || changes.length > 0) caller.tell({ watch: id, changes })
  }

  #forget(caller: Caller, id: number): void {
    const at = this.#watches.findIndex(each => each.caller === caller && each.id === id)
    if (at >= 0) this.#watches.splice(at, 1)
  }
}
