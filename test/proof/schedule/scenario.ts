import type { Operation } from './control.ts'

/** What a role is played with. */
export interface Stage {
  readonly world: SharedArrayBuffer
  /** The words of the world as the code under proof is to see them. */
  readonly words: Int32Array
  /** Where to note what was seen, for `check`. Plain: one actor runs at a time. */
  readonly board: Int32Array
  /** Which role it is, by its place in the scenario. */
  readonly actor: number
  /** For supervisors: the actor that died and the id of its thread. */
  readonly dead: number
  readonly deadThread: number
}

export interface Role {
  readonly name: string
  /** Throws when it sees what must not be. */
  play(stage: Stage): void
  /** Takes part only once somebody has died, as a supervisor does. */
  readonly isSupervisor?: boolean
}

/** A few threads that use one piece of shared memory, and what must hold whatever the schedule. */
export interface Scenario {
  readonly roles: readonly Role[]
  /** The shared memory as every run finds it. */
  make(): SharedArrayBuffer
  /** Its words, as the shipped code opens them. */
  wordsOf(world: SharedArrayBuffer): Int32Array
  /** Plain accesses that are steps of their own. */
  stopsAt(words: Int32Array): (word: number, isWrite: boolean) => boolean
  /** What is wrong at the end of a run. `dead` is the actor that died, or −1. */
  check(world: SharedArrayBuffer, board: Int32Array, dead: number): string | undefined
  /** What a word is called in a printed schedule. */
  nameOf(word: number): string
}

export interface Taken {
  readonly actor: number
  readonly operation: Operation
  readonly word: number
}

/** Fails a run with this sentence (the mark keeps stack traces for what nobody foresaw). */
export function fail(what: string): never {
  throw new Error(`!${what}`)
}

export function ensure(claim: boolean, what: string): void {
  if (!claim) fail(what)
}
