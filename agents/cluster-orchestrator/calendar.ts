import type { Asked } from '../skills/operations/procedure.ts'
import { serviceOf } from '../skills/operations/target.ts'
import { type Fault, findStranger, isFault, readList, readMs } from './options.ts'

/** A time in which some endpoints are taken out. Wall clock, in ms since 1970: people name it. */
export interface Window {
  /** `service/id`, in order. */
  readonly targets: readonly string[]
  readonly startsAtMs: number
  readonly durationMs: number
}

/** Longer than a timer waits: nobody means that. */
const AHEAD_MS_MAX = 24 * 24 * 3_600_000
const TARGETS_MAX = 256

/** A window as it was asked for: `{ targets: "api/a, api/b", startsAt | startsIn, duration | durationMs }`. */
export function readWindow(options: Asked['options'], wallMs: number): Window | Fault {
  const stranger = findStranger(options, ['targets', 'startsAt', 'startsIn', 'duration', 'durationMs'])
  if (stranger !== undefined) return { fault: stranger }
  const targets = [...new Set(readList(options.targets))].sort()
  if (targets.length === 0) return { fault: 'no targets are named, write service/id, more of them with commas' }
  if (targets.length > TARGETS_MAX) return { fault: `${targets.length} targets are more than ${TARGETS_MAX}` }
  const bad = targets.find(each => !/^[^/]+\/.+$/.test(each))
  if (bad !== undefined) return { fault: `${JSON.stringify(bad)} is no target, write service/id` }
  const duration = readMs(options.duration ?? options.durationMs ?? '')
  if (isFault(duration)) return { fault: `its duration: ${duration.fault}` }
  if (duration === 0) return { fault: 'its duration is 0' }
  const startsAtMs = readStart(options, wallMs)
  if (isFault(startsAtMs)) return startsAtMs
  return { targets, startsAtMs, durationMs: duration }
}

function readStart({ startsAt, startsIn = '0' }: Asked['options'], wallMs: number): number | Fault {
  if (startsAt === undefined) {
    const inMs = readMs(startsIn)
    return isFault(inMs) ? inMs : wallMs + inMs
  }
  const atMs = Date.parse(startsAt)
  if (Number.isNaN(atMs))
    return { fault: `${JSON.stringify(startsAt)} is no moment, write one such as 2026-01-01T03:00:00Z` }
  if (atMs > wallMs + AHEAD_MS_MAX) return { fault: `${startsAt} is more than 24 days ahead` }
  return Math.max(atMs, wallMs)
}

/** Of some windows those that are due or under way at a moment with this one, and touch a service that it touches. */
export function overlapping(window: Window, others: readonly Window[]): Window[] {
  const services = new Set(window.targets.map(serviceOf))
  return others.filter(
    other =>
      other.startsAtMs < window.startsAtMs + window.durationMs &&
      window.startsAtMs < other.startsAtMs + other.durationMs &&
      other.targets.some(target => services.has(serviceOf(target))),
  )
}
