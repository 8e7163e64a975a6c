/**
 * A key (session id, user, cache key) as the 32-bit number that `pick` takes: murmur3-32 over the UTF-16 code units of
 * the string, both bytes of each. The same key gives the same number in every thread, process and version.
 *
 * Source  Appleby, MurmurHash3_x86_32 with its fmix32 finaliser; even over small tables, where plain FNV-1a is not.
 */
export function hashKey(key: string, seed = 0): number {
  let hash = seed | 0
  const length = key.length
  const pairs = length & ~1
  for (let i = 0; i < pairs; i += 2) {
    hash = mix(hash, key.charCodeAt(i) | (key.charCodeAt(i + 1) << 16))
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  if (length & 1) hash = mix(hash, key.charCodeAt(length - 1))
  return avalanche(hash ^ (length * 2)) >>> 0
}

/**
 * The prime next to 2^32 ÷ the golden ratio. Steps of it go round all 32-bit numbers as evenly as steps can, and to multiply by it is
 * one to one and spreads small numbers over all 32 bits (Knuth, volume 3, 6.4).
 */
export const GOLDEN = 0x9e3779b1

/** murmur3's finaliser, as an int32: every bit of the input decides about every bit of the output. */
export function avalanche(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** The word that `avalanche` made this of: its steps undone, the last one first. The factors are inverse modulo 2^32. */
export function avalancheBack(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x7ed1b41d)
  hash = Math.imul(hash ^ (hash >>> 13) ^ (hash >>> 26), 0xa5cb9243)
  return hash ^ (hash >>> 16)
}

function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  return hash ^ Math.imul(k, 0x1b873593)
}
