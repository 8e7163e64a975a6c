/** When an incident reaches which level; times in ms. */
export interface EscalationTimes {
  readonly orchestratorAfter: number
  readonly operatorAfter: number
  readonly pageAfter: number
  /** So many further alerts raise it by one level. */
  readonly repeats: number
}

export const LEVEL_MAX = 3

/**
 * The level of an incident: who has to see to it.
 *
 *   0   nobody: it is repaired by itself
 *   1   the cluster orchestrator     after orchestratorAfter
 *   2   the operator                 after operatorAfter, or at once where repairing it has failed or is off
 *   3   whoever is paged             after pageAfter
 *
 *   level = max(by time, ⌊repeats ÷ allowed⌋, by need), 3 at most
 */
export function levelOf(
  { orchestratorAfter, operatorAfter, pageAfter, repeats: allowed }: EscalationTimes,
  {
    afterMs,
    repeats,
    needsHuman,
  }: { readonly afterMs: number; readonly repeats: number; readonly needsHuman: boolean },
): number {
  const byTime = afterMs >= pageAfter ? 3 : afterMs >= operatorAfter ? 2 : afterMs >= orchestratorAfter ? 1 : 0
  return Math.min(LEVEL_MAX, Math.max(byTime, Math.floor(repeats / allowed), needsHuman ? 2 : 0))
}
