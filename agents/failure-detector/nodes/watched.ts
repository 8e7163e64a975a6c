import { elapsedMs } from '../../../engine/writer.ts'
import { type Directive, emit } from '../../kit/grammar/directive.ts'
import { appended } from '../../kit/run/bounded.ts'
import { type NodeSeen, type NodeState, nodeHealthChanged } from '../../signals/nodes.ts'

/** A search for a silent node, under way. */
export interface Probe {
  readonly id: string
  /** Nodes that were asked to look for it, and how many of them have said that they do not reach it either. */
  readonly helpers: number
  readonly nacks: number
}

/**
 * Another node, as it looks from here.
 *
 *   alive ── φ ≥ threshold, nobody asked reaches it ──▶ suspect ── time is up, confirmed or not ──▶ dead
 *     ▲                                                    │                                         │
 *     └──────────── heard, vouched for by a helper, or alive in a later incarnation ◀────────────────┘
 *     └── said goodbye ──▶ left ── a later incarnation ──▶ alive
 */
export interface Watched {
  readonly node: string
  readonly incarnation: number
  readonly rank: number | null
  readonly state: NodeState
  /** Since when. */
  readonly sinceMs: number
  /** As its last beat said. */
  readonly hears: readonly string[]
  readonly missing: readonly string[]
  readonly more: number
  readonly probe: Probe | undefined
  /** When it was looked for last. */
  readonly probedMs: number
  /** Others that suspect this incarnation of it. */
  readonly accusers: readonly string[]
  /** Of its last pings, in ms. */
  readonly roundTripsMs: readonly number[]
  readonly roundTripMs: number | undefined
  /** At the last look. */
  readonly phi: number
  readonly silenceMs: number
  readonly isHeard: boolean
}

/** As many accusers as could ever confirm, and so many pings. */
const ACCUSERS_MAX = 16
const ROUND_TRIPS_MAX = 32
/** How much of the average the latest ping is. */
const LATEST = 0.2

/** One that nothing is known of yet but its name. */
export function newcomer(node: string, state: NodeState, now: number): Watched {
  return {
    ...{
      node,
      incarnation: 0,
      rank: null,
      state,
      sinceMs: now,
      hears: [],
      missing: [],
      more: 0,
      probe: undefined,
      probedMs: now,
    },
    ...{ accusers: [], roundTripsMs: [], roundTripMs: undefined, phi: 0, silenceMs: 0, isHeard: false },
  }
}

/** It is taken for something else from now on, and everybody here is told; as it was, it stays as it was. */
export function become(
  before: Watched,
  state: NodeState,
  reason: string,
  now: number,
): { readonly after: Watched; readonly directives: readonly Directive[] } {
  if (before.state === state) return { after: { ...before, probe: undefined }, directives: [] }
  const { node, incarnation, state: from, phi } = before
  const after: Watched = { ...before, state, sinceMs: now, probe: undefined }
  return { after, directives: [emit(nodeHealthChanged.of({ node, incarnation, from, to: state, phi, reason }, node))] }
}

/** Another node suspects it too, in this incarnation or a later one. */
export function accused(before: Watched, by: string, incarnation: number): Watched {
  if (incarnation < before.incarnation || before.accusers.includes(by)) return before
  return { ...before, accusers: appended(before.accusers, by, ACCUSERS_MAX) }
}

/** A ping was answered after so many ms. */
export function pinged(before: Watched, sentMs: number, now: number): Watched {
  const ms = Math.max(0, elapsedMs(now, sentMs))
  const roundTripMs = before.roundTripMs === undefined ? ms : before.roundTripMs + LATEST * (ms - before.roundTripMs)
  return { ...before, roundTripMs, roundTripsMs: appended(before.roundTripsMs, ms, ROUND_TRIPS_MAX) }
}

export function seenOf(watched: Watched): NodeSeen {
  const { node, incarnation, rank, state, isHeard, phi, silenceMs, hears, missing, more } = watched
  const { roundTripMs, roundTripsMs } = watched
  const sorted = roundTripsMs.toSorted((a, b) => a - b)
  return {
    ...{ node, incarnation, rank, state, isHeard, phi, silenceMs, hears, missing, more },
    roundTripMs: roundTripMs ?? null,
    roundTripMsP95: sorted[Math.ceil(sorted.length * 0.95) - 1] ?? null,
  }
}
