/**
 * What agents agree through: keys whose changes are in one order, the same for everybody. Seven calls, so that what stands behind them
 * can be another: a sequencer in a thread on one machine, etcd on many.
 *
 *   create · cas ──▶ revision 7 ──▶ get · list        each change has a revision, and they only grow
 *                        └────────▶ watch              told in that order, none left out
 *   lease ──▶ keys that go when their holder does
 *
 * Linearizable: a change that was answered is seen by every call that begins later, by whomever. A call that fails by
 * SBX_STORE_SILENT may have been carried out or not, and nobody can say: a `create` can be said again to find out.
 */
export interface Store {
  /** Makes a key that is not there. Said again after silence it answers with what is there, be it one's own. */
  create(key: string, value: string, lease?: Lease): Promise<Answer>
  /** Replaces the value of a key that stands at this revision; without a value the key goes. */
  cas(key: string, value: string | undefined, revision: number, lease?: Lease): Promise<Answer>
  get(key: string): Promise<Entry | undefined>
  /** All keys that begin so, in order, and the revision they were read at. */
  list(prefix: string): Promise<Listing>
  /**
   * Tells changes of keys that begin so, from the one behind `revision` on. `onChanges` is called with some at a time; `onLost` at most
   * once, when changes have been missed or may have been: then what is watched must be listed again.
   */
  watch(prefix: string, revision: number, onChanges: (changes: Change[]) => void, onLost: () => void): Watch
  /** A lease of so many ms, kept until it is ended or its holder is silent for that long. */
  lease(ttlMs: number): Promise<Lease>
  status(): Promise<StoreStatus>
}

/** A key as it stands. */
export interface Entry {
  readonly key: string
  readonly value: string
  /** Of its last change. It is a fence: of two who write on its behalf, the one with the higher one came later. */
  readonly revision: number
  /** Of its making: a key that went and was made anew is another one. */
  readonly madeAt: number
}

/**
 * What came of a change. Where it was not made: what stands there instead; undefined where nothing does, or where its lease has
 * run out, and with it what would have been made.
 */
export type Answer =
  | { readonly isMade: true; readonly revision: number }
  | { readonly isMade: false; readonly entry: Entry | undefined }

export interface Listing {
  readonly entries: readonly Entry[]
  readonly revision: number
}

/** One change of a key; without an entry it has gone. */
export interface Change {
  readonly key: string
  readonly revision: number
  readonly entry: Entry | undefined
}

export interface Watch {
  /** Nothing more is told. */
  close(): void
}

export interface Lease {
  readonly id: string
  /** Whether it has certainly not run out: asked of the clock, so that a thread that stood still for long does not act before it knows. */
  readonly isHeld: boolean
  /** Aborted when it is ended, or may have run out, before anybody else can have it: what is done on its behalf must stop. */
  readonly lost: AbortSignal
  /** Ends it now, and its keys go. */
  end(): Promise<void>
}

export interface StoreStatus {
  /** Of the last change. */
  readonly revision: number
  /** How often it has begun anew. */
  readonly term: number
  readonly keys: number
  readonly leases: number
}
