import { steadyMs } from '../../kit/clock.ts'
import type { Part, PartName } from '../../signals.ts'
import { reasonOf } from '../../skills/fault-reason.ts'

/** What a look at one side of an endpoint has come to. */
export type Finding = Pick<Part, 'verdict' | 'isCritical' | 'score' | 'reason' | 'figures'>

/** Looks at one side of an endpoint. It may reject: that is a failure too. When nobody waits any more, `signal` is aborted. */
export type Look = (signal: AbortSignal) => Finding | Promise<Finding>

type Figures = Finding['figures']

export function passed(reason: string, figures: Figures = {}, score = 1): Finding {
  return { verdict: 'passed', isCritical: false, score, reason, figures }
}

export function failed(reason: string, figures: Figures = {}, { isCritical = false, score = 0 } = {}): Finding {
  return { verdict: 'failed', isCritical, score, reason, figures }
}

/** There is nothing of the kind to look at. */
export function skipped(reason: string): Finding {
  return { verdict: 'skipped', isCritical: false, score: 1, reason, figures: {} }
}

/**
 * Looks now, for so long at most: later it is a timeout of this look alone. A look is a function that is called here, once, and not before. What it
 * throws is what it found.
 */
export function lookFor(name: PartName, look: Look, timeoutMs: number, signal: AbortSignal): Promise<Part> {
  const sinceMs = steadyMs()
  return new Promise(resolve => {
    const abort = new AbortController()
    const stop = (): void => end(skipped('nobody waits for it any more'))
    let isOver = false
    const end = (finding: Finding): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      abort.abort()
      resolve({ part: name, ...finding, tookMs: steadyMs() - sinceMs })
    }
    const timeUp = (): void =>
      end({ verdict: 'timeout', isCritical: false, score: 0, reason: 'error: timeout', figures: {} })
    // What has arrived and waits to be read has come in time: sockets are read before immediates run.
    const timer = setTimeout(() => setImmediate(timeUp), timeoutMs)
    signal.addEventListener('abort', stop)
    const onThrown = (error: unknown): void => end(failed(reasonOf(error)))
    try {
      Promise.resolve(look(abort.signal)).then(end, onThrown)
    } catch (error) {
      onThrown(error)
    }
  })
}
