import load, { type XXHashAPI } from 'xxhash-wasm'
import { invalid } from './member.ts'

/**
 * xxHash64, the hash of Envoy's tables, as two 32-bit words.
 *
 * The hash is WebAssembly, and WebAssembly starts with a promise: `await xxhash()` once in each thread, and from then on the
 * builders that hash (Maglev, ring) are plain functions.
 *
 * Source     Collet's XXH64 by the package xxhash-wasm.    Cost  90 ns for a ring point of 20 bytes.
 * Deviation  the BigInt it returns is stored, never calculated with: a typed array splits it into words.
 */
export async function xxhash(): Promise<void> {
  loading ??= load()
  api = await loading
}

let loading: Promise<XXHashAPI> | undefined
let api: XXHashAPI | undefined

/** Which half of a 64-bit number in memory is the high one: the second on all machines but big-endian ones. */
export const HIGH_HALF = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0
export const LOW_HALF = 1 - HIGH_HALF

const HALVES = new Uint32Array(2)
const WHOLE = new BigUint64Array(HALVES.buffer)

/** One hash, as its two words. */
export interface Hash64 {
  high: number
  low: number
}

/**
 * Writes the hash of `bytes` into `hash`, an object the caller keeps: nothing but the package's BigInt is allocated.
 *
 * @throws SignalboxError SBX_TABLE_INVALID before xxhash() has been awaited
 */
export function hash64(bytes: Uint8Array, seed: bigint, hash: Hash64): void {
  if (api === undefined) throw invalid('xxHash64 is not loaded in this thread, await xxhash() first')
  WHOLE[0] = api.h64Raw(bytes, seed)
  hash.high = HALVES[HIGH_HALF]!
  hash.low = HALVES[LOW_HALF]!
}
