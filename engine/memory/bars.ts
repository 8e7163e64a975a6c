/**
 * Why an endpoint may not be picked: one word a row, one bit a reason, one owner a bit. Owners set and clear their
 * bit with an atomic or/and, so two of them never undo each other; a pick reads the word once, and the very next pick
 * of every thread sees it.
 *
 *   bit  bar            owner             meaning
 *    0   DRAINING       operator          finish what is in flight, begin nothing new
 *    1   QUARANTINED    operator          kept out by decision until released
 *    2   UNHEALTHY      health-monitor    active checks fail
 *    3   EJECTED        failure-detector  its answers fail, out until EJECTED_UNTIL_MS
 *    4   TRIPPED        settling threads  its breaker is open until BREAKER_UNTIL_MS, then one probe at a time
 *    5   DEGRADED       health-monitor    no bar but a mark: it answers, and only when the healthy ones do not suffice
 *    6   HELD           cluster-          kept out for maintenance or in an emergency, until it lets go; where a control
 *                       orchestrator      plane of your own runs in place of our agents, it is that one's
 *    7   ARRIVING       plane/            listed by an agent's edit that is on trial: one thread alone picks it (trial.ts)
 *    8   LEAVING        plane/            taken out by such an edit: that thread alone does without it already
 *    9   ISOLATED       health-monitor    kept out by quarantine until it is shown to be well
 *
 * Hard bars are decisions and always count. Soft bars are opinions: panic mode ignores them when too few endpoints are
 * left, because a wrong opinion about everybody is likelier than everybody being down (Envoy's panic threshold). A tripped
 * breaker is neither: it says that requests sent there fail, and sending more of them helps nobody.
 */
export const DRAINING = 1 << 0
export const QUARANTINED = 1 << 1
export const UNHEALTHY = 1 << 2
export const EJECTED = 1 << 3
export const TRIPPED = 1 << 4
export const DEGRADED = 1 << 5
export const HELD = 1 << 6
export const ARRIVING = 1 << 7
export const LEAVING = 1 << 8
export const ISOLATED = 1 << 9

export const TRIAL_BARS = ARRIVING | LEAVING
export const HARD_BARS = DRAINING | QUARANTINED | HELD | ISOLATED | TRIAL_BARS
export const SOFT_BARS = UNHEALTHY | EJECTED
/** What counts in panic mode. */
export const FIRM_BARS = HARD_BARS | TRIPPED
export const ALL_BARS = FIRM_BARS | SOFT_BARS
/** What tells the healthy (none of these), the degraded (that one alone) and the barred apart. */
export const TIER_BITS = ALL_BARS | DEGRADED
/** What agents may set; the others are the operator's, or those of the threads that settle. */
export const AGENT_BARS = UNHEALTHY | EJECTED | DEGRADED | HELD | ISOLATED
/**
 * By these an agent takes an endpoint out on grounds that may be wrong about many at once. UNHEALTHY is not among them: it is
 * what the endpoint itself answered to a check a moment ago, and when too many are, panic mode uses them all the same.
 */
export const TAKEN_OUT = EJECTED | HELD | ISOLATED
/**
 * The largest share of a service's endpoints that agents may have out by these: when most of them look bad, what judges them
 * is likelier to be.
 */
export const TAKEN_OUT_MAX = 0.5
/**
 * The largest share of a service's endpoints that may be isolated, though one always may. Less than the above: panic mode does not
 * bring back who is isolated, so those that are left must suffice.
 */
const ISOLATED_PERCENT_MAX = 30

/** How many of so many endpoints may be isolated: max(1, ⌊30 %⌋). */
export function isolatedMax(endpoints: number): number {
  return Math.max(1, Math.floor((endpoints * ISOLATED_PERCENT_MAX) / 100))
}

/** Names for explain, the dashboard and metrics, in the order of the bits. */
export const BAR_NAMES = [
  'draining',
  'quarantined',
  'unhealthy',
  'ejected',
  'tripped',
  'degraded',
  'held',
  'arriving',
  'leaving',
  'isolated',
] as const
export type BarName = (typeof BAR_NAMES)[number]

export function barNames(bars: number): BarName[] {
  return BAR_NAMES.filter((_, bit) => (bars & (1 << bit)) !== 0)
}
