/**
 * Whether what several callers saw of one key can be told as one story, in which each call happens at one moment between its beginning
 * and its end.
 *
 *   Wing and Gong 1993, with the memory of Lowe 2017: choose a call that could be next, go on, come back where that leads nowhere;
 *   what was tried with the same calls done and the same value standing is not tried again.
 */
export interface Happening {
  readonly call: 'create' | 'cas' | 'get'
  /** What it would write; each call of a history another one. Undefined: the key goes. */
  readonly value?: string | undefined
  /** For `cas`: the value it takes to stand there. */
  readonly expected?: string | undefined
  /** What it was told; undefined where it was told nothing, so that it may have happened at any time after its beginning, or never. */
  readonly told: { readonly isMade: boolean; readonly value?: string | undefined } | undefined
  readonly fromMs: number
  /** Infinity where it was told nothing. */
  readonly toMs: number
}

/** What a call leaves standing; `null` where it cannot have been told that, given what stood there. */
function step(standing: string | undefined, { call, value, expected, told }: Happening): string | undefined | null {
  if (call === 'get') return told === undefined || told.value === standing ? standing : null
  const mayBeMade = call === 'create' ? standing === undefined : standing !== undefined && standing === expected
  if (told === undefined) return mayBeMade ? value : standing
  if (told.isMade !== mayBeMade) return null
  if (told.isMade) return value
  return told.value === standing ? standing : null
}

/** Undefined where there is such a story; else how far the longest one went, for the person who looks for the fault. */
export function findFault(history: readonly Happening[]): string | undefined {
  const calls = [...history].sort((a, b) => a.fromMs - b.fromMs)
  const isDone = new Uint8Array(calls.length)
  const tried = new Set<string>()
  let longest = 0
  /** Calls that were told something and are not done. */
  let open = calls.filter(({ told }) => told !== undefined).length

  const goOn = (standing: string | undefined, done: number): boolean => {
    if (open === 0) return true
    longest = Math.max(longest, done)
    const memory = `${isDone.join('')}${standing ?? ''}`
    if (tried.has(memory)) return false
    tried.add(memory)
    let firstEnd = Number.POSITIVE_INFINITY
    for (let i = 0; i < calls.length; i++) if (isDone[i] === 0) firstEnd = Math.min(firstEnd, calls[i].toMs)
    for (let i = 0; i < calls.length && calls[i].fromMs <= firstEnd; i++) {
      if (isDone[i] === 1) continue
      const next = step(standing, calls[i])
      if (next === null) continue
      const wasTold = calls[i].told !== undefined
      isDone[i] = 1
      if (wasTold) open--
      if (goOn(next, done + 1)) return true
      isDone[i] = 0
      if (wasTold) open++
    }
    return false
  }
  return goOn(undefined, 0) ? undefined : `no order explains more than ${longest} of ${calls.length} calls`
}
