import { act, type Directive, emit, type Step, stay } from '../kit/grammar/directive.ts'
import { lookAtTables } from '../kit/tables.ts'
import { clusterStateChanged } from '../signals.ts'
import { writeRecord } from '../skills/agreement/cluster-records.ts'
import {
  applyDelta,
  type ClusterState,
  type Followed,
  followRecords,
  hashOf,
  type Section,
  versionsOf,
  without,
} from '../skills/agreement/cluster-state.ts'
import { HELD_BY } from '../skills/operations/operation-signals.ts'
import type { State } from './state.ts'

/** What this node would have all agree on, as far as it knows it. */
function factsOf({ facts, quarantined, holds, hasResumed }: State): [Section, unknown][] {
  const known: [Section, unknown][] = [
    ['config', facts.config],
    ['topology', facts.topology],
    ['quarantine', quarantined],
    // Before it has gone on with what the leader before was at, it does not know whom that one kept out.
    ['holds', hasResumed ? (holds.get(HELD_BY) ?? []) : undefined],
  ]
  return known.filter(([, value]) => value !== undefined)
}

/** The one that leads tells the others what they do not know yet; who is alone knows it itself, and who does not lead listens. */
export function publishing(state: State): Step<State> {
  const { leading, cluster, isClusterKnown } = state
  if (!leading.isHere || !isClusterKnown) return stay(state)
  const news = factsOf(state).filter(([name, value]) => JSON.stringify(cluster[name]?.value) !== JSON.stringify(value))
  if (leading.standing !== 'alone') {
    const { fence } = leading
    return { state, directives: news.map(([name, value]) => act(writeRecord, { name, fence, value })) }
  }
  const delta = news.map(([name, value]) => ({
    ...{ name, fence: 0, value },
    revision: (cluster[name]?.revision ?? 0) + 1,
  }))
  const { state: next, changed } = applyDelta(cluster, delta)
  return { state: { ...state, cluster: next }, directives: told(next, changed) }
}

/** What the others were told by the one that leads, as a delta by version; at first and after a gap it is all there is. */
export function followed(before: State, { delta, gone, revision, isAbsent }: Followed): Step<State> {
  const { state: next, changed } = applyDelta(without(before.cluster, gone), delta)
  const state = { ...before, cluster: next, isClusterKnown: true }
  const again = act(followRecords, { since: revision, known: Object.keys(next), isFirst: false })
  const published = publishing(state)
  return {
    state: published.state,
    directives: [
      ...told(next, changed),
      ...(isAbsent ? [] : [again]),
      ...(changed.includes('holds') || !before.isClusterKnown ? [act(lookAtTables, undefined)] : []),
      ...published.directives,
    ],
  }
}

function told(state: ClusterState, changed: readonly Section[]): Directive[] {
  if (changed.length === 0) return []
  return [emit(clusterStateChanged.of({ hash: hashOf(state), versions: versionsOf(state), changed }))]
}
