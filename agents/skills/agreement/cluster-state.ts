import { createHash } from 'node:crypto'
import type { FencedRecord } from '../../bridge/fenced-records.ts'
import { defineAction } from '../../kit/grammar/action.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { CLUSTER } from './cluster-records.ts'

/** Parts of what all nodes agree on. */
export const SECTIONS = ['config', 'topology', 'quarantine', 'holds'] as const
export type Section = (typeof SECTIONS)[number]

/** What this node knows of it: of each part its version, which is the revision it was written at, and what it says. */
export type ClusterState = Readonly<Partial<Record<Section, Pick<FencedRecord, 'fence' | 'value' | 'revision'>>>>

export interface Applied {
  readonly state: ClusterState
  /** Parts that are otherwise now. */
  readonly changed: readonly Section[]
  /** Parts that were older than what is known, and are passed over. */
  readonly stale: readonly Section[]
}

/**
 * A state with parts that have changed; what is not newer than what is known is stale and changes nothing. A snapshot is a delta since
 * the beginning: both come by the same way, and in whatever order parts come, the state is the same.
 */
export function applyDelta(before: ClusterState, delta: readonly Omit<FencedRecord, 'turn'>[]): Applied {
  const state: Partial<Record<Section, ClusterState[Section]>> = { ...before }
  const changed: Section[] = []
  const stale: Section[] = []
  for (const { name, fence, value, revision } of delta) {
    if (!isSection(name)) continue
    const known = state[name]
    if (known !== undefined && known.revision >= revision) {
      stale.push(name)
      continue
    }
    if (JSON.stringify(known?.value) !== JSON.stringify(value)) changed.push(name)
    state[name] = { fence, value, revision }
  }
  return { state, changed, stale }
}

/** A state without what is not there any more: the store has begun anew, with nothing. */
export function without(state: ClusterState, gone: readonly string[]): ClusterState {
  return Object.fromEntries(Object.entries(state).filter(([name]) => !gone.includes(name)))
}

function isSection(name: string): name is Section {
  return (SECTIONS as readonly string[]).includes(name)
}

/** SHA-256 of what a state says, in hex: of two nodes that have one, both know the same. */
export function hashOf(state: ClusterState): string {
  const said = SECTIONS.map(name => [name, state[name]?.value ?? null])
  return createHash('sha256').update(JSON.stringify(said)).digest('hex')
}

export function versionsOf(state: ClusterState): Record<string, number> {
  return Object.fromEntries(Object.entries(state).map(([name, each]) => [name, each?.revision ?? 0]))
}

export interface Followed {
  readonly delta: readonly FencedRecord[]
  /** Names that were known and do not lie there any more. */
  readonly gone: readonly string[]
  /** The last revision of these. */
  readonly revision: number
  /** There is nothing to follow. */
  readonly isAbsent: boolean
}

export const recordsFollowed = defineSignal('signalbox.records.followed', { data: trusted<Followed>() })

/**
 * Waits until something has changed since a revision, and says what. The first time it answers as soon as all is known that was there
 * before, be it nothing.
 */
export const followRecords = defineAction({
  name: 'follow-records',
  done: recordsFollowed,
  // Nothing may change for days.
  timeoutMs: 0,
  async run(
    { since, known, isFirst }: { since: number; known: readonly string[]; isFirst: boolean },
    { bridge, signal },
  ): Promise<Followed> {
    const records = bridge?.records(CLUSTER)
    if (records === undefined) return { delta: [], gone: [], revision: 0, isAbsent: true }
    const aborted = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
    for (;;) {
      if (records.isCurrent || signal.aborted) {
        const all = records.all()
        const delta = all.filter(({ revision }) => revision > since)
        const gone = known.filter(name => records.get(name) === undefined)
        const revision = all.reduce((most, each) => Math.max(most, each.revision), since)
        if (delta.length + gone.length > 0 || isFirst || signal.aborted)
          return { delta, gone, revision, isAbsent: false }
      }
      await Promise.race([records.changed(), aborted])
    }
  },
})
