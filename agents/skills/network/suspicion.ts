export interface SuspicionRule {
  /** How many probes long it takes at least, for ten nodes and fewer. */
  readonly multiplier: number
  /** How many times that it takes at most. */
  readonly longest: number
  /** From one probe to the next, in ms. */
  readonly probeMs: number
}

/** How many others must confirm a suspicion for it to take the least time; 0 where there are not so many who could. */
export function confirmationsWanted({ multiplier }: SuspicionRule, nodes: number): number {
  const wanted = Math.max(0, multiplier - 2)
  return nodes - 2 < wanted ? 0 : wanted
}

/**
 * How long a node is suspected before it is taken for dead, in ms.
 *
 *   least = multiplier × max(1, log₁₀ nodes) × probe       most = longest × least
 *   most − (most − least) × ln(confirmations + 1) ÷ ln(wanted + 1)        and never below least
 *
 * Intuition  one who suspects alone may itself be the one that is cut off, and waits long; each that sees the same makes it shorter.
 * Source     Lifeguard (arXiv 1707.00788); memberlist, suspicion.go. `nodes` counts this one and the suspect.
 */
export function suspicionMs(rule: SuspicionRule, nodes: number, confirmations: number): number {
  const least = rule.multiplier * Math.max(1, Math.log10(Math.max(1, nodes))) * rule.probeMs
  const wanted = confirmationsWanted(rule, nodes)
  if (wanted < 1) return least
  const most = rule.longest * least
  const part = Math.log(confirmations + 1) / Math.log(wanted + 1)
  return Math.max(least, most - (most - least) * part)
}
