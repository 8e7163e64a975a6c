import { readClock } from './clock.ts'
import { REPORTED_AT_MS, REPORTED_LOAD, ROW_WORDS } from './layout.ts'
import { noteOthers } from './others-inflight.ts'
import type { Region } from './region.ts'

/** What an endpoint says of its load, undefined for what it does not say: used shares from 0 to 1, and a count. */
export interface Load {
  readonly cpu?: number | undefined
  readonly memory?: number | undefined
  /** Of the application as it sees itself. */
  readonly utilisation?: number | undefined
  /** Requests it has as it answers, that one among them, whoever sent them. */
  readonly inflight?: number | undefined
}

/** Shares as they were last said, and the clock then. */
export interface ReportedLoad extends Omit<Load, 'inflight'> {
  readonly atMs: number
}

/** A share in ten bits: 0 unknown, else 1 + thousandths. */
const BITS = 10
const MASK = (1 << BITS) - 1
const STEPS = 1000

/**
 * Three shares in one word, so that no reader sees halves of two reports:
 *
 *   bit   29 … 20        19 … 10     9 … 0
 *         utilisation    memory      cpu
 */
export function packLoad({ cpu, memory, utilisation }: Load): number {
  return packShare(cpu) | (packShare(memory) << BITS) | (packShare(utilisation) << (2 * BITS))
}

export function unpackLoad(word: number): Omit<Load, 'inflight'> {
  const [cpu, memory, utilisation] = [0, BITS, 2 * BITS].map(at => unpackShare((word >> at) & MASK))
  return { cpu, memory, utilisation }
}

/**
 * Notes what the endpoint of a row has just said, while `own` requests from here are in flight there: the shares it uses, and how many requests
 * it has, from which follows how many are others'.
 *
 * writes    REPORTED_LOAD, REPORTED_AT_MS of the row, where it said shares; the words of noteOthers, where it said how many
 * ordering  Unordered: of two threads that heard it at one moment either may win, and both have heard the truth
 * progress  wait-free
 * pairs     reportedLoad, noteOthers
 */
export function reportLoad(region: Region, row: number, load: Load, own: number): void {
  if (load.inflight !== undefined) noteOthers(region, row, load.inflight - own)
  const { words, layout } = region
  const at = layout.endpointsAt + row * ROW_WORDS
  const word = packLoad(load)
  if (word === 0) return
  words[at + REPORTED_LOAD] = word
  words[at + REPORTED_AT_MS] = readClock(region)
}

/** What the endpoint of a row said last; undefined: nothing. */
export function reportedLoad({ words, layout }: Region, row: number): ReportedLoad | undefined {
  const at = layout.endpointsAt + row * ROW_WORDS
  const word = words[at + REPORTED_LOAD]
  return word === 0 ? undefined : { ...unpackLoad(word), atMs: words[at + REPORTED_AT_MS] }
}

function packShare(share: number | undefined): number {
  return share === undefined ? 0 : 1 + Math.round(Math.min(1, Math.max(0, share)) * STEPS)
}

function unpackShare(bits: number): number | undefined {
  return bits === 0 ? undefined : (bits - 1) / STEPS
}
