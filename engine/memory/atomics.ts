/**
 * The one door through which lock-free code reaches `Atomics`. In production it is `Atomics` itself; a schedule
 * explorer, or a test that lets a thread die at a chosen step, puts its own object here and so runs the shipped code,
 * not a copy of it.
 *
 * Every operation is sequentially consistent: JavaScript has no weaker atomic order and no fence. Plain element access
 * (`words[i]`) is Unordered and does not come through here; an integer element of 4 bytes never tears by it.
 */
export interface AtomicsSeam {
  load(words: Int32Array, index: number): number
  store(words: Int32Array, index: number, value: number): number
  add(words: Int32Array, index: number, value: number): number
  sub(words: Int32Array, index: number, value: number): number
  and(words: Int32Array, index: number, value: number): number
  or(words: Int32Array, index: number, value: number): number
  exchange(words: Int32Array, index: number, value: number): number
  compareExchange(words: Int32Array, index: number, expected: number, replacement: number): number
  /** Wakes up to `count` sleepers of this word (all of them without a count); says how many it woke. */
  notify(words: Int32Array, index: number, count?: number): number
  /** Blocks this thread while the word holds `value`, at most `timeoutMs`. */
  wait(words: Int32Array, index: number, value: number, timeoutMs?: number): 'ok' | 'not-equal' | 'timed-out'
}

/** The real operations: `Atomics` itself. */
export const realAtomics: AtomicsSeam = Atomics

/** What lock-free code calls. A live binding of the module rather than a parameter of every call: see `useAtomics`. */
export let atomics: AtomicsSeam = realAtomics

/**
 * Puts other operations in place for this thread and returns those that were there, to be put back. For schedule
 * explorers and tests; it does not reach other threads, and it is not reachable from outside the package.
 */
export function useAtomics(seam: AtomicsSeam): AtomicsSeam {
  const before = atomics
  atomics = seam
  return before
}
