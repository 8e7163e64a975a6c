/** How long nothing may change, by the number of nodes; Pekko's recommendation. */
const STABLE_MS: readonly (readonly [nodes: number, ms: number])[] = [
  [5, 7_000],
  [10, 10_000],
  [20, 13_000],
  [50, 17_000],
  [100, 20_000],
]
const STABLE_MS_MAX = 30_000

/** Beyond it nodes that come and go are unstable: three quarters of it later, 4 s at least. */
const UNSTABLE_SHARE = 0.75
const UNSTABLE_MS_MIN = 4_000

/** How long nothing may change for a side to take the others for gone, in ms: the more nodes, the longer news take to all. */
export function stableAfterMs(nodes: number): number {
  return STABLE_MS.find(([most]) => nodes <= most)?.[1] ?? STABLE_MS_MAX
}

/** After so long without peace nobody decides any more, in ms since the first change. */
export function unstableAfterMs(stableMs: number): number {
  return stableMs + Math.max(UNSTABLE_MS_MIN, stableMs * UNSTABLE_SHARE)
}
