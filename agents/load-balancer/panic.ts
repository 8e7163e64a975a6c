import { elapsedMs, HARD_BARS, loadsOf, SOFT_BARS } from '../../engine/writer.ts'
import { type Directive, emit, writeService } from '../kit/grammar/directive.ts'
import type { ServiceView } from '../kit/tables.ts'
import { serviceCalmed, servicePanicked } from '../signals.ts'

/** Whether a service is in panic, or was until this very look. */
export type Panic = 'none' | 'on' | 'over'

/**
 * The endpoints of a service that nobody decided to keep out, and how many of them no opinion speaks against.
 * One with weight 0 takes no requests either way and is not counted.
 */
export function openShare({ endpoints }: ServiceView): { open: number; of: number } {
  const admitted = endpoints.filter(({ bars, weight }) => (bars & HARD_BARS) === 0 && weight > 0)
  return { open: admitted.filter(({ bars }) => (bars & SOFT_BARS) === 0).length, of: admitted.length }
}

/** Whether picks of a service ignore health now, in one of its priorities at least; they decide so by the same rule. */
export function hasPanic({ endpoints, overprovisioning, panicThreshold }: ServiceView): boolean {
  return loadsOf(endpoints, overprovisioning, panicThreshold).panic.includes(1)
}

/** A whole tick. */
const CALM_MS = 100

/**
 * Panic begins at once and ends when it was not called for a whole tick: a flicker of one endpoint shall not toggle it.
 * `over` is told once, at its end. `before` and `calmMs`: since when there is none, by index of service, until this look and from it on.
 */
export function panicOrCalm(
  before: ReadonlyMap<number, number>,
  service: ServiceView,
  now: number,
  calmMs: Map<number, number>,
): { panic: Panic; directives: Directive[] } {
  const { index, name, isPanicTold } = service
  const told = () => ({ service: name, ...openShare(service) })
  if (hasPanic(service)) {
    if (isPanicTold) return { panic: 'on', directives: [] }
    const begin = [
      writeService('panicTold', index, 1),
      writeService('panics', index, 0),
      emit(servicePanicked.of(told(), name)),
    ]
    return { panic: 'on', directives: begin }
  }
  if (!isPanicTold) return { panic: 'none', directives: [] }
  const since = before.get(index) ?? now
  if (elapsedMs(now, since) >= CALM_MS) {
    return {
      panic: 'over',
      directives: [writeService('panicTold', index, 0), emit(serviceCalmed.of(told(), name))],
    }
  }
  calmMs.set(index, since)
  return { panic: 'on', directives: [] }
}
