/** A place on earth, in degrees: north and east are above 0. */
export interface Place {
  readonly latitude: number
  readonly longitude: number
}

const EARTH_KM = 6371
/** Light in glass goes 200 km in a millisecond, and has to come back. */
const KM_PER_RTT_MS = 100

/**
 * How far two places are from each other, in km, along the surface of a ball.
 *
 *   h = sin²(Δlat ÷ 2) + cos(lat a) × cos(lat b) × sin²(Δlon ÷ 2)        distance = 2 × 6371 km × asin √h
 *
 * Source  Sinnott, Virtues of the Haversine, 1984. Half a percent off at most: the earth is no ball.
 */
export function distanceKm(a: Place, b: Place): number {
  const [latA, latB] = [radians(a.latitude), radians(b.latitude)]
  const h =
    halfSine(latB - latA) + Math.cos(latA) * Math.cos(latB) * halfSine(radians(b.longitude) - radians(a.longitude))
  return 2 * EARTH_KM * Math.asin(Math.sqrt(Math.min(1, h)))
}

/** The least a request and its answer can take over this distance, in ms: cables go no straight way, so it takes longer. */
export function leastRttMs(km: number): number {
  return km / KM_PER_RTT_MS
}

function halfSine(angle: number): number {
  return Math.sin(angle / 2) ** 2
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180
}
