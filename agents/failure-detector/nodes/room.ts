import { elapsedMs } from '../../../engine/writer.ts'
import type { Directive } from '../../kit/grammar/directive.ts'
import { type NodeWatch, without } from './watch-state.ts'
import { become, type Watched } from './watched.ts'

/** Nodes that are watched: as many as their names fit into one datagram with a beat, with some room. */
export const NODES_MAX = 32

/**
 * Room for one more node that speaks itself: where there is none the place of one that has left, else of one that is dead, in each case for the
 * longest. Nodes in containers have another name after each restart. Without any of these it is turned away, which is counted.
 */
export function withRoom(watch: NodeWatch, now: number): { watch: NodeWatch; directives: readonly Directive[] } {
  if (watch.others.size < NODES_MAX) return { watch, directives: [] }
  const oldest = longest(watch, 'left', now) ?? longest(watch, 'dead', now)
  if (oldest === undefined) return { watch: { ...watch, turnedAway: watch.turnedAway + 1 }, directives: [] }
  watch.book.forget(oldest.node)
  const { directives } = become(oldest, 'left', 'its place is needed for another', now)
  return { watch: { ...watch, others: without(watch.others, oldest.node) }, directives }
}

function longest({ others }: NodeWatch, state: Watched['state'], now: number): Watched | undefined {
  return [...others.values()]
    .filter(each => each.state === state)
    .sort((a, b) => elapsedMs(now, b.sinceMs) - elapsedMs(now, a.sinceMs))[0]
}
