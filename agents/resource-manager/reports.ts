import { elapsedMs } from '../../engine/writer.ts'
import { type Directive, writeEndpoint } from '../kit/grammar/directive.ts'
import type { EndpointView } from '../kit/tables.ts'
import type { Capacity } from '../signals/capacity.ts'
import { roomOf, type Used } from './room.ts'

/** Where a report comes from: an endpoint says itself what it uses, or its config says what it can bear. */
export type By = 'health-body' | 'header' | 'config' | 'agent'

/** What is known of an endpoint's load. */
export interface Known {
  readonly generation: number
  /** What it, or somebody who has seen it, said last, and when. */
  readonly said: (Used & { readonly utilisation?: number | undefined; readonly atMs: number }) | undefined
  /** Requests in flight ÷ what it can work on at a time, where the config says that. */
  readonly declared: { readonly share: number; readonly atMs: number } | undefined
  /** As the table has it; −1: not known. */
  readonly written: number
}

/** By row. */
export type KnownRows = ReadonlyMap<number, Known>

export interface Told {
  readonly known: KnownRows
  readonly directives: readonly Directive[]
}

/** Less than this no policy sees. */
const STEP = 1 / 256
export const UNKNOWN = -1

/** Takes reports down, and writes what follows from them where that has changed. */
export function report(before: KnownRows, by: By, rows: readonly Capacity[], keptMs: number, now: number): Told {
  const known = new Map(before)
  const directives: Directive[] = []
  for (const each of rows) {
    const { row, generation } = each
    const old = known.get(row)
    const last =
      old?.generation === generation ? old : { generation, said: undefined, declared: undefined, written: UNKNOWN }
    const next = by === 'config' ? { ...last, declared: declaredOf(each, now) } : { ...last, said: saidOf(each, now) }
    known.set(row, settle(row, next, keptMs, now, directives))
  }
  return { known, directives }
}

/** Forgets what was said too long ago, and endpoints of which nothing is known any more. */
export function forget(before: KnownRows, keptMs: number, now: number): Told {
  const directives: Directive[] = []
  const known = new Map<number, Known>()
  for (const [row, last] of before) {
    const next = settle(row, last, keptMs, now, directives)
    if (next.said !== undefined || next.declared !== undefined) known.set(row, next)
  }
  return { known, directives }
}

/** What an earlier incarnation wrote is believed as if it had been said now. */
export function inherit(before: KnownRows, endpoints: readonly EndpointView[], now: number): KnownRows {
  const known = new Map(before)
  for (const { row, generation, utilisation } of endpoints) {
    if (utilisation === undefined || known.get(row)?.generation === generation) continue
    known.set(row, { generation, said: { utilisation, atMs: now }, declared: undefined, written: utilisation })
  }
  return known
}

/**
 * The share of an endpoint's capacity that is used.
 *
 *   as the application says itself  ▷  1 − room, where it tells of its CPU, memory or network  ▷  requests ÷ declared capacity
 *
 * Undefined: not known.
 */
export function usedOf({ said, declared }: Pick<Known, 'said' | 'declared'>): number | undefined {
  if (said?.utilisation !== undefined) return said.utilisation
  const room = said && roomOf(said)
  return room === undefined ? declared?.share : 1 - room
}

function settle(row: number, last: Known, keptMs: number, now: number, directives: Directive[]): Known {
  const isKept = (each: { readonly atMs: number } | undefined) =>
    each !== undefined && elapsedMs(now, each.atMs) <= keptMs
  const next = {
    ...last,
    said: isKept(last.said) ? last.said : undefined,
    declared: isKept(last.declared) ? last.declared : undefined,
  }
  const used = usedOf(next) ?? UNKNOWN
  const isSame =
    used === UNKNOWN || next.written === UNKNOWN ? used === next.written : Math.abs(used - next.written) < STEP
  if (isSame) return next
  directives.push(writeEndpoint('utilisation', { row, generation: next.generation }, used))
  return { ...next, written: used }
}

function saidOf({ cpu, memory, network, utilisation }: Capacity, atMs: number): Known['said'] {
  const [c, m, n, u] = [cpu, memory, network, utilisation].map(shareOf)
  return { cpu: c, memory: m, network: n, utilisation: u, atMs }
}

function declaredOf({ utilisation }: Capacity, atMs: number): Known['declared'] {
  const share = shareOf(utilisation)
  return share === undefined ? undefined : { share, atMs }
}

/** Whoever says more than all of it means all. */
function shareOf(share: number | null): number | undefined {
  return share === null ? undefined : Math.min(1, share)
}
