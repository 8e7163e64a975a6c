import { HELD } from '../../engine/writer.ts'
import { type Directive, writeEndpoint } from '../kit/grammar/directive.ts'
import type { TablesView } from '../kit/tables.ts'

/** Whom this node keeps out, by who wants it: `service/id`. */
export type Holds = ReadonlyMap<string, readonly string[]>

export function withHold(holds: Holds, by: string, targets: readonly string[]): Holds {
  const next = new Map(holds)
  next.delete(by)
  return targets.length === 0 ? next : next.set(by, targets)
}

/** Somebody else keeps these out from now on: who wants them out for the time of an operation still does. */
export function withoutTarget(holds: Holds, target: string, keep: string): Holds {
  return new Map(
    [...holds].flatMap(([by, targets]) => {
      const left = by === keep ? targets : targets.filter(each => each !== target)
      return left.length === 0 ? [] : [[by, left] as const]
    }),
  )
}

/**
 * Brings the bar HELD of all endpoints to what is wanted. One word has one owner: what is held and nobody here wants held is let go, be it
 * what an earlier life has left. `mayRelease`: it is known what is wanted; before that only more are held.
 */
export function holdDirectives(
  wanted: ReadonlySet<string>,
  { services }: TablesView,
  mayRelease: boolean,
): Directive[] {
  return services.flatMap(({ name, endpoints }) =>
    endpoints.flatMap(endpoint => {
      const isHeld = (endpoint.bars & HELD) !== 0
      const isWanted = wanted.has(`${name}/${endpoint.id}`)
      if (isHeld === isWanted || (isHeld && !mayRelease)) return []
      return [writeEndpoint('heldBar', endpoint, isWanted ? 1 : 0)]
    }),
  )
}
