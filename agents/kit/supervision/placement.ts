import { BACKOFF_MS_MAX, RESTARTS_MAX, WINDOW_MS } from './restart.ts'
import type { RosterEntry } from './roster-entry.ts'
import type { Spec, Strategy, SupervisorSpec, ThreadSpec } from './supervision-tree.ts'

/** How agents are put into threads: those of a group together, each alone, or all together. */
export const PLACEMENTS = ['grouped', 'dedicated', 'shared'] as const
export type Placement = (typeof PLACEMENTS)[number]

/** How failing is dealt with. */
export interface SupervisionOptions {
  /**
   * Which threads are restarted when one has failed. Default `one-for-one`: it alone, and each group has a supervisor of its
   * own. With `rest-for-one` (those that started after it as well) and `one-for-all` all threads are under one.
   */
  strategy?: Strategy
  /** A supervisor gives up at one restart more than this … Default 3. */
  restarts?: number
  /** … within so many ms. Default 5,000. */
  withinMs?: number
  /** The longest wait before a restart, in ms. Default 10,000. */
  backOffMsMax?: number
  /**
   * What is done about a group that is given up. Default `freeze`: it stands still for 10 s (longer each time, up to 5 min) and
   * is tried from the beginning, and the other groups do not notice. `escalate`: as in OTP it is restarted by the supervisor
   * above the groups, as one failure; when that happens too often there as well, all agents stand still. Either way routing goes
   * on with the last tables. Only with `one-for-one`: under the other strategies all threads are given up together.
   */
  onGiveUp?: 'freeze' | 'escalate'
}

/** A thread and the agents in it. */
export interface ThreadPlan {
  readonly id: string
  readonly group: string
  readonly agents: readonly RosterEntry[]
}

export interface Plan {
  readonly threads: readonly ThreadPlan[]
  readonly root: SupervisorSpec
}

/** The name of the group, and of its thread, where all agents share one. */
const ALL = 'agents'

/**
 * Puts the agents of a roster into threads and the threads into a tree, both in the order of the roster.
 *
 *   one-for-one                                    rest-for-one, one-for-all
 *
 *   root ─┬─ group health ──── thread health       root ─┬─ thread health
 *         └─ group prediction ─ thread prediction        └─ thread prediction
 */
export function plan(
  roster: readonly RosterEntry[],
  placement: Placement,
  stopMsMax: number,
  options: SupervisionOptions,
): Plan {
  const threads = threadsOf(roster, placement)
  const { strategy = 'one-for-one', restarts = RESTARTS_MAX, withinMs = WINDOW_MS } = options
  const { backOffMsMax = BACKOFF_MS_MAX, onGiveUp = 'freeze' } = options
  const supervisor = (id: string, children: readonly Spec[], onGiveUp: SupervisorSpec['onGiveUp']): SupervisorSpec => {
    return { kind: 'supervisor', id, strategy, restarts, withinMs, backOffMsMax, onGiveUp, children }
  }
  const specs = new Map(threads.map(thread => [thread.id, specOf(thread, threads, stopMsMax)]))
  if (strategy !== 'one-for-one') return { threads, root: supervisor('root', [...specs.values()], 'rest') }
  const groups = [...new Set(threads.map(({ group }) => group))].map(group => {
    const children = threads.flatMap(thread => (thread.group === group ? [specs.get(thread.id)!] : []))
    return supervisor(supervisorId(group), children, onGiveUp === 'freeze' ? 'rest' : 'escalate')
  })
  return { threads, root: supervisor('root', groups, 'rest') }
}

/** What the supervisor of a group is called in the tree: not as a thread can be. */
export function supervisorId(group: string): string {
  return `group ${group}`
}

function threadsOf(roster: readonly RosterEntry[], placement: Placement): ThreadPlan[] {
  const threads = new Map<string, ThreadPlan & { agents: RosterEntry[] }>()
  for (const entry of roster) {
    const isAlone = placement === 'dedicated' || entry.restart !== 'permanent' || entry.parent !== undefined
    const group = placement === 'shared' && !isAlone ? ALL : (entry.group ?? entry.name)
    const id = isAlone ? entry.name : group
    const thread = threads.get(id) ?? { id, group, agents: [] }
    thread.agents.push(entry)
    threads.set(id, thread)
  }
  return [...threads.values()]
}

function specOf({ id, agents }: ThreadPlan, threads: readonly ThreadPlan[], stopMsMax: number): ThreadSpec {
  const [{ restart, parent, onParentDeath = 'stop' }] = agents as [RosterEntry]
  const spec: ThreadSpec = { kind: 'thread', id, restart, stopMsMax }
  if (parent === undefined) return spec
  const above = threads.find(thread => thread.agents.some(({ name }) => name === parent))!
  return { ...spec, parent: { id: above.id, onDeath: onParentDeath } }
}

/**
 * Those of a roster that are to run: an agent that is not enabled is left out, and with it those that do not go on without
 * it; who does is an orphan from the beginning.
 */
export function enabledOf(roster: readonly RosterEntry[], isEnabled: (name: string) => boolean): RosterEntry[] {
  const enabled: RosterEntry[] = []
  for (const entry of roster) {
    if (!isEnabled(entry.name)) continue
    const isOrphan = entry.parent !== undefined && !enabled.some(({ name }) => name === entry.parent)
    if (!isOrphan) enabled.push(entry)
    else if ((entry.onParentDeath ?? 'stop') !== 'stop') {
      const { parent: _, onParentDeath: __, ...orphan } = entry
      enabled.push(orphan)
    }
  }
  return enabled
}
