import type { Candidates } from '../memory/candidates.ts'
import type { Dice } from './dice.ts'
import type { OptionValues, PolicyOptions } from './policy-options.ts'
import type { TableSpec } from './tables/table-spec.ts'

/** No candidate is open: what a policy answers, and what `pick` then answers. */
export const NO_ENDPOINT = -1

/**
 * Chooses a row among the candidates, or NO_ENDPOINT when none is open. It does not allocate, throw, log, wait or read
 * a clock, and it ends within a number of steps bounded by the number of candidates.
 */
export type PickRow = (candidates: Candidates, hash: number) => number

/**
 * Learns from an outcome (its code, see outcomes.ts; latency in µs, 0 when unknown). Bound by the same promises. A policy
 * that learns nothing leaves it out, and a settle then costs nothing more.
 */
export type Learn = (candidates: Candidates, row: number, outcome: number, latencyUs: number) => void

/** Hears that a request of a key went well on a row that was not the first it was sent to. Bound by the same promises. */
export type Keep = (candidates: Candidates, hash: number, row: number) => void

/** A policy at work in one thread for one service. */
export interface Chooser {
  readonly pickRow: PickRow
  readonly learn?: Learn
  readonly keep?: Keep
}

/** One algorithm. To add one: write its file, and list it in registry.ts. */
export interface Policy {
  readonly name: string
  /** Other names people know it by. */
  readonly aliases: readonly string[]
  /** One line for the docs, the dashboard and `--help`. */
  readonly summary: string
  /** True when the long-run share of picks follows the weights, all else being equal. */
  readonly isWeighted: boolean
  /** True when the hash given to `pick` decides: then a config may say what of a request it is made from. */
  readonly isKeyed?: boolean
  /** True when a request is to stay in the zone of its node: the router then tells zones apart. */
  readonly isZoneAware?: boolean
  /** True when it remembers where each key is: then it wants room in the affinity table. */
  readonly keepsSessions?: boolean
  readonly options: PolicyOptions
  /** What is wrong with options that are right each for itself, as a sentence to follow their names; undefined: nothing. */
  readonly fault?: (options: OptionValues) => string | undefined
  /** The choice table that picks read, where they read one. Without it (not built yet, nobody to build it) they still work. */
  readonly table?: (options: OptionValues) => TableSpec | undefined
  /** `options` has a value for each option of the policy, see completeOptions. */
  create(dice: Dice, options: OptionValues): Chooser
}
