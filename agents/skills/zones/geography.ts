import type { Config } from '../../../engine/writer.ts'
import { type Step, stay } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSensor, type SensorEdge } from '../../kit/grammar/sensor.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { distanceKm, type Place } from './haversine.ts'

/** Where zones are, by name. */
export type Places = Readonly<Record<string, Place>>

/** To its agent, and all skills of it: where zones are, as far as anybody has said. */
export const zonesPlaced = defineSignal('signalbox.zones.placed', {
  data: trusted<{ readonly places: Places }>(),
  telemetry: true,
})

export interface Geography {
  readonly places: Places
  /** In km, from each zone to each other. */
  readonly distancesKm: ReadonlyMap<string, ReadonlyMap<string, number>>
}

const LOOK_MS = 60_000
/** As many as a pick tells apart. */
export const ZONES_MAX = 64

/** Where zones are: what the config says, and for others what the first of their endpoints says in its metadata. */
const zonePlaces = defineSensor({
  name: 'zone-places',
  emits: zonesPlaced,
  everyMs: LOOK_MS,
  start: ({ config }): Places => configuredPlaces(config),
  read: ({ attachment }: SensorEdge): Places => {
    const places: Record<string, Place> = {}
    for (const { text, rows } of attachment.serviceTexts()) {
      if (text.isGone) continue
      for (const row of rows) {
        const { zone, metadata } = attachment.endpoint(row)
        if (zone === '' || zone in places) continue
        const place = placeOf(metadata)
        if (place !== undefined) places[zone] = place
      }
    }
    return places
  },
  perceive: (configured: Places, found) => ({
    memory: configured,
    readings: [zonesPlaced.of({ places: firstOf({ ...found, ...configured }) })],
  }),
})

/**
 * Geography: how far zones are from each other.
 *
 *        z1     z2     z3        places ──▶ haversine ──▶ a matrix, which is symmetric and 0 on its diagonal
 *   z1    0    878   9350        in km, for zones whose place is known
 */
export const geography = defineSkill({
  name: 'geography',
  sensors: [zonePlaces],
  start: (_: undefined, { config }): Step<Geography> => stay(geographyOf(configuredPlaces(config))),
  decide: (slice, signal) => {
    if (!zonesPlaced.is(signal)) return stay(slice)
    const { places } = signal.data
    return stay(JSON.stringify(places) === JSON.stringify(slice.places) ? slice : geographyOf(places))
  },
})

/** How far it is, in km; undefined: nobody knows. */
export function distanceBetween({ distancesKm }: Geography, a: string, b: string): number | undefined {
  return distancesKm.get(a)?.get(b)
}

/** Places and the matrix of their distances. */
export function geographyOf(places: Places): Geography {
  const named = Object.entries(places)
  const distancesKm = new Map(
    named.map(([from, a]) => [from, new Map(named.map(([to, b]) => [to, from === to ? 0 : distanceKm(a, b)]))]),
  )
  return { places, distancesKm }
}

export function configuredPlaces({ agents }: Config): Places {
  return agents['topology-optimizer'].zones
}

/** As metadata has it: texts that may be anything. */
function placeOf({ latitude, longitude }: Readonly<Record<string, string>>): Place | undefined {
  if (!latitude || !longitude) return undefined
  const place = { latitude: Number(latitude), longitude: Number(longitude) }
  return Math.abs(place.latitude) <= 90 && Math.abs(place.longitude) <= 180 ? place : undefined
}

function firstOf(places: Places): Places {
  return Object.fromEntries(Object.entries(places).slice(0, ZONES_MAX))
}
