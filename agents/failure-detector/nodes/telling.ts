import { type Directive, emit } from '../../kit/grammar/directive.ts'
import { nodeBeat, nodesSeen } from '../../signals/nodes.ts'
import type { NodeWatch } from './watch-state.ts'
import { seenOf, type Watched } from './watched.ts'

/** Names in a beat take so many characters together at most. */
const NAMES_LENGTH = 640

/** To agents of this node: how the others look. */
export function seenBy({ me, localHealth, others }: NodeWatch): Directive {
  return emit(nodesSeen.of({ ...me, localHealth, others: [...others.values()].map(seenOf) }))
}

/** To all nodes: it lives, and whom it hears. */
export function beatOf({ me, others }: NodeWatch): Directive {
  const all = [...others.values()]
  const hears = all.filter(({ isHeard, state }) => isHeard && state !== 'left')
  const missing = all.filter(({ isHeard, state }) => !isHeard && state !== 'left')
  const { names, left } = within(hears, NAMES_LENGTH)
  const { names: lost } = within(missing, left)
  const more = hears.length - names.length + missing.length - lost.length
  return emit(nodeBeat.of({ ...me, hears: names, missing: lost, more }, me.node))
}

/** As many names as fit, and how much room is left. */
function within(all: readonly Watched[], length: number): { names: string[]; left: number } {
  const names: string[] = []
  let left = length
  for (const { node } of all) if ((left -= node.length + 3) >= 0) names.push(node)
  return { names, left }
}

export function isNewlyHeard(before: Watched | undefined, after: Watched): boolean {
  return after.state === 'alive' && before?.state !== 'alive'
}

/** Somebody is otherwise than before, or hears others than before. */
export function hasNews({ others: before }: NodeWatch, { others }: NodeWatch): boolean {
  if (before === others) return false
  return [...others.values()].some(each => {
    const known = before.get(each.node)
    return known === undefined || known.state !== each.state || !isSameList(known.hears, each.hears)
  })
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i])
}
