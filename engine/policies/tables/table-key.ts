import { NO_ENDPOINT } from '../policy.ts'

/**
 * Where a request's 32-bit hash stands in a table. Numbers in, a number out: nothing is allocated, and tables may lie anywhere
 * in shared memory.
 *
 * Maglev: hash mod size. Try k looks elsewhere, at (hash ^ −k) mod size: −k has nearly all bits set, so the hash changes a lot.
 *
 * Source     Envoy's maglev_lb.cc, where −k is written ~0 − k + 1.
 * Deviation  the hash has 32 bits, Envoy's has 64: first tries agree for hashes below 2^32, further tries do not.
 */
export function tablePosition(hash: number, size: number, attempt = 0): number {
  const key = (hash ^ -attempt) >>> 0
  // key % size: of numbers beyond 31 bits V8 takes that by a call of fmod. The quotient is exact, for it is 1 ÷ key or more off a whole number.
  return (key - ((key / size) | 0) * size) | 0
}

/**
 * Ring: the first point at or after the hash, and past the last one the first of all; try k is k points further on.
 *
 *   points   … | start            start + count | …         the answer counts from start: 0 … count − 1
 *
 * An empty window answers NO_ENDPOINT.
 *
 * Source     Envoy's ring_hash_lb.cc, nginx's find_chash_point.
 * Deviation  the search begins where the point would be if all were spaced evenly. Same answer in half the time: bisected
 *            from the ends, every second of 16 branches is mispredicted.
 * Cost       44, 52 and 72 ns of a ring of 1,024, 65,536 and 1,048,576 points; bisected from the ends 61, 107 and 184 (Node 20.20,
 *            one core).
 */
export function ringPosition(points: Uint32Array, start: number, count: number, hash: number, attempt = 0): number {
  if (count === 0) return NO_ENDPOINT
  const position = firstFrom(points, start, start + count, hash >>> 0) - start + attempt
  return position < count ? position : position % count
}

/** The first place from `start` to `end` whose point is `key` or more; `end` when there is none. */
function firstFrom(points: Uint32Array, start: number, end: number, key: number): number {
  let at = guess(points, start, end, key)
  let stride = 1
  let low = at
  if (points[at]! < key) {
    // Forwards in doubling strides until a point is not before the key; all up to low − 1 are.
    for (at = low = at + 1; at < end && points[at]! < key; at += stride) {
      low = at + 1
      stride *= 2
    }
    return bisect(points, low, Math.min(at, end), key)
  }
  // Backwards until a point is before the key; the one at `at` is not.
  for (low = at; low > start && points[low - 1]! >= key; low -= stride) {
    at = low - 1
    stride *= 2
  }
  return bisect(points, Math.max(low, start), at, key)
}

/**
 * Where the key would stand among evenly spaced points, corrected twice by how far off the point found there is. `| 0` cuts
 * towards zero in one instruction, and all of these numbers are below 2^31.
 */
function guess(points: Uint32Array, start: number, end: number, key: number): number {
  const pointsPerHash = (end - start) / 2 ** 32
  let at = start + ((key * pointsPerHash) | 0)
  for (let step = 0; step < 2; step++) {
    at += ((key - points[at]!) * pointsPerHash) | 0
    at = at < start ? start : at < end ? at : end - 1
  }
  return at
}

function bisect(points: Uint32Array, from: number, to: number, key: number): number {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    if (points[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}
