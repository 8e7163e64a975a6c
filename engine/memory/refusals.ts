import assert from 'node:assert/strict'
import { atomics } from './atomics.ts'
import { REFUSED_AT, REFUSED_WORDS } from './layout.ts'
import type { Region } from './region.ts'

/** Why something an agent asked of the tables was not done, in the order of their words. New ones come last. */
export const REFUSALS = {
  emptied: 'a service would have been left without an endpoint',
  shrunk: 'a service would have lost more than half of its endpoints',
  stale: 'an older decision than the one in force',
  invalid: 'a field is missing, unknown or no value for it',
  'not-owned': "the word is the operator's, or another's",
  'too-many-out': 'more than half of the endpoints of a service would have been out',
  'last-routable': 'the last endpoint that could be picked would have been out',
  full: 'the region has no room for it',
  busy: 'another thread was publishing and did not finish',
  broken: 'the edit itself failed',
  'on-trial': 'a change is on trial, and the next one waits until that is over',
  'failed-trial': 'a change was taken back after one thread had tried it',
} as const

export type Refusal = keyof typeof REFUSALS
export const REFUSAL_NAMES = Object.keys(REFUSALS) as readonly Refusal[]

/** Counts one. Any thread: SeqCst add, so that none is lost; modulo 2^32. */
export function countRefusal({ words }: Region, reason: Refusal): void {
  atomics.add(words, REFUSED_AT + REFUSAL_NAMES.indexOf(reason), 1)
}

/** How often since the region was made, modulo 2^32. */
export function refusals({ words }: Region, reason: Refusal): number {
  return words[REFUSED_AT + REFUSAL_NAMES.indexOf(reason)] >>> 0
}

assert(REFUSAL_NAMES.length <= REFUSED_WORDS, 'each reason has a word')
