import { elapsedMs } from '../../engine/writer.ts'
import type { NodeState } from '../signals.ts'
import { stableAfterMs } from './stable-after.ts'
import type { Partition, State } from './state.ts'

/** How the other nodes are taken; one that is not among them has been forgotten, or is not known yet. */
type Standings = ReadonlyMap<string, NodeState>

/** The failure detector forgets who has been dead for so long, in ms. */
const FORGOTTEN_MS = 3_600_000

function isBack(node: string, standings: Standings): boolean {
  const state = standings.get(node)
  return state === 'alive' || state === 'left'
}

/** A partition with how many of those that were lost are back now. */
export function withBack(partition: Partition, standings: Standings, now: number): Partition {
  const back = partition.lost.filter(node => isBack(node, standings)).length
  return back === partition.back ? partition : { ...partition, back, backMs: now }
}

/**
 * Whether a partition is over: all who were lost are back; or some are, nothing is amiss among the members, and of the rest, which were
 * given up, nobody has come for as long as it takes to be sure: they were behind the cut and died there, or came back under other names.
 * So it is where all of them have been forgotten.
 */
export function isOver(
  { knobs, members, parted, unsettled }: State,
  { lost, back, backMs, sinceMs }: Partition,
  standings: Standings,
  now: number,
): boolean {
  const away = lost.filter(node => !isBack(node, standings))
  if (away.length === 0) return true
  if (unsettled !== undefined || !away.every(node => parted.has(node))) return false
  if (back > 0) return elapsedMs(now, backMs) >= (knobs.stableAfter ?? stableAfterMs(members.size))
  return elapsedMs(now, sinceMs) >= FORGOTTEN_MS && away.every(node => !standings.has(node))
}
