import type { Operation } from './control.ts'

export interface Watched {
  /** The words as the code under proof sees them: plain accesses of chosen words are steps, too. */
  readonly words: Int32Array
  unwrap(words: Int32Array): Int32Array
  /** After an atomic operation: what plain writes were held back long enough takes effect. */
  afterOperation(): void
  /** All that was held back takes effect. */
  settle(): void
}

/**
 * Words whose plain reads and writes stop like atomic operations where `stopsAt` says so. With `isLate`, the machine
 * is one that breaks the promise of publication: a plain write takes effect only after the second atomic operation
 * that follows it, although its own thread sees it at once.
 */
export function watch(
  target: Int32Array,
  step: (operation: Operation, word: number) => void,
  stopsAt: (word: number, isWrite: boolean) => boolean,
  isLate: boolean,
): Watched {
  const held = new Map<number, { value: number; operations: number }>()
  const words = new Proxy(target, {
    get(_, key) {
      const word = typeof key === 'string' ? Number(key) : Number.NaN
      if (Number.isInteger(word)) {
        if (stopsAt(word, false)) step('plain read', word)
        return held.get(word)?.value ?? target[word]
      }
      const member = Reflect.get(target, key, target) as unknown
      return typeof member === 'function' ? (member as () => unknown).bind(target) : member
    },
    set(_, key, value) {
      const word = Number(key)
      if (stopsAt(word, true)) step('plain write', word)
      if (isLate) held.set(word, { value, operations: 0 })
      else target[word] = value
      return true
    },
  })
  return {
    words,
    unwrap: other => (other === words ? target : other),
    afterOperation() {
      for (const [word, write] of held) {
        if (++write.operations < 2) continue
        held.delete(word)
        target[word] = write.value
      }
    },
    settle() {
      for (const [word, { value }] of held) target[word] = value
      held.clear()
    },
  }
}
