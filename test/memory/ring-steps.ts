import { type AtomicsSeam, realAtomics, useAtomics } from '../../engine/memory/atomics.ts'

/** How a thread ends in these tests: nothing it would have done after this happens. */
export class Death extends Error {}

/**
 * Runs `action` with `onStep(step)` called before each of its atomic operations (steps 0, 2, 4 …) and after each (1, 3,
 * 5 …). Between two calls lie plain accesses only, so a death or another thread's turn at every step covers every state
 * that others can meet. The hook itself runs on the operations that were in place before, and may run other threads'
 * actions in the same way.
 */
export function stepwise<T>(
  action: () => T,
  onStep: (step: number, operation: keyof AtomicsSeam) => void,
  operations: AtomicsSeam = realAtomics,
): T {
  let step = 0
  const inner: Record<string, unknown> = {}
  for (const operation of NAMES) {
    const real = operations[operation] as (...args: unknown[]) => unknown
    inner[operation] = (...args: unknown[]) => {
      outside(() => onStep(step++, operation))
      const result = real(...args)
      outside(() => onStep(step++, operation))
      return result
    }
  }
  const seam = inner as unknown as AtomicsSeam
  const before = useAtomics(seam)
  function outside(hook: () => void): void {
    useAtomics(before)
    try {
      hook()
    } finally {
      useAtomics(seam)
    }
  }
  try {
    return action()
  } finally {
    useAtomics(before)
  }
}

/** Runs `action` and lets it die at `step`; says whether it came to that. */
export function dieAt(step: number, action: () => void, beforeDeath: () => void = () => {}): boolean {
  try {
    stepwise(action, now => {
      if (now !== step) return
      beforeDeath()
      throw new Death()
    })
    return false
  } catch (error) {
    if (error instanceof Death) return true
    throw error
  }
}

/** The real operations with some of them replaced: a machine that does not keep a promise the code relies on. */
export function seamWith(replaced: Partial<AtomicsSeam>): AtomicsSeam {
  const { load, store, add, sub, and, or, exchange, compareExchange, notify, wait } = realAtomics
  return { load, store, add, sub, and, or, exchange, compareExchange, notify, wait, ...replaced }
}

/** Runs `action` on other operations. */
export function withSeam<T>(seam: AtomicsSeam, action: () => T): T {
  const before = useAtomics(seam)
  try {
    return action()
  } finally {
    useAtomics(before)
  }
}

const NAMES: (keyof AtomicsSeam)[] = [
  'load',
  'store',
  'add',
  'sub',
  'and',
  'or',
  'exchange',
  'compareExchange',
  'notify',
  'wait',
]
