import { HEALTH_NAMES } from '../../engine/writer.ts'
import { type Directive, emit, writeEndpoint } from '../kit/grammar/directive.ts'
import { type EndpointRef, type HealthWord, healthChanged } from '../signals.ts'
import type { Target } from './state.ts'

/** What a verdict that is another now wants done: its words, and to be told. */
export function turn(before: Target, after: Target, reason: string, now: number): Directive[] {
  if (after.health === before.health) return []
  const directives: Directive[] = [writeEndpoint('health', after, HEALTH_NAMES.indexOf(after.health))]
  if (after.health === 'unhealthy') directives.push(writeEndpoint('unhealthyBar', after, 1))
  if (before.health === 'unhealthy') {
    // Before the bar falls: who sees it pickable knows that it has just come back.
    directives.push(writeEndpoint('healthySinceMs', after, now), writeEndpoint('unhealthyBar', after, 0))
  }
  return [...directives, tell(after, before.health, after.health, reason)]
}

export function tell(
  { row, generation, service, id }: EndpointRef,
  from: HealthWord,
  to: HealthWord,
  reason: string,
): Directive {
  return emit(healthChanged.of({ row, generation, service, id, from, to, reason }, `${service}/${id}`))
}
