import type { Attachment } from '../../engine/writer.ts'
import type { EndpointRef } from '../signals.ts'
import type { HealthBody } from './health-body.ts'
import type { Load } from './load-figures.ts'

/** What one look at an endpoint has seen, as far as it got. */
export interface Sighting extends EndpointRef {
  /** A whole check: whether it passed and how long it took. */
  readonly check?: { readonly hasPassed: boolean; readonly tookUs: number }
  /** HTTP status. */
  readonly status?: number
  readonly body?: HealthBody
  readonly load?: { readonly by: 'health-body' | 'header'; readonly shares: Load }
  /** Connections that were tried: how long each took in µs, null for one that did not come about. */
  readonly connects?: readonly (number | null)[]
  readonly tls?: { readonly isTrusted: boolean; readonly daysLeft: number | undefined }
}

/** A second of checks of ten thousand endpoints, and some more. */
const KEPT_MAX = 16_384

/**
 * What checks have seen of late, on its way from the actions that look to the sensors that make sense of it. Each sensor takes what has come since
 * it was here last.
 *
 *   actions ──▶ note ──▶ │ 7 │ 8 │ 9 │ … │ ──▶ take('vitals'), take('network') …
 *                         └ goes when all have taken it, or when there are 16,384
 */
export class Sightings {
  #kept: Sighting[] = []
  /** Number of the first that is kept. */
  #first = 0
  /** Number of the next that each sensor is to get. */
  readonly #nextOf = new Map<string, number>()

  note(sighting: Sighting): void {
    this.#kept.push(sighting)
    if (this.#kept.length >= 2 * KEPT_MAX) this.#drop(KEPT_MAX)
  }

  take(sensor: string): readonly Sighting[] {
    const taken = this.#kept.slice(Math.max(0, (this.#nextOf.get(sensor) ?? 0) - this.#first))
    this.#nextOf.set(sensor, this.#first + this.#kept.length)
    this.#drop(Math.min(...this.#nextOf.values()) - this.#first)
    return taken
  }

  #drop(count: number): void {
    if (count <= 0) return
    this.#first += count
    this.#kept = this.#kept.slice(count)
  }
}

/** One for each control plane of this thread. */
const known = new WeakMap<object, Sightings>()

export function sightingsAt(attachment: Attachment): Sightings {
  let sightings = known.get(attachment)
  if (sightings === undefined) known.set(attachment, (sightings = new Sightings()))
  return sightings
}
