/** What became of a signal that was handed to agents. */
export type Delivery =
  | { readonly kind: 'taken' }
  /** A thread of agents has not said in time what became of it there: it may be heard yet. */
  | { readonly kind: 'silent' }
  /** An agent that listens has no room for it: its mailbox says so. */
  | { readonly kind: 'full' }
  /** No agent that runs listens to its type. */
  | { readonly kind: 'unknown' }
  /** An agent that listens says that it carries something else than its type promises. */
  | { readonly kind: 'invalid'; readonly fault: string }

export const TAKEN: Delivery = { kind: 'taken' }
export const SILENT: Delivery = { kind: 'silent' }
export const FULL: Delivery = { kind: 'full' }
export const UNKNOWN: Delivery = { kind: 'unknown' }

const RANKS: readonly Delivery['kind'][] = ['unknown', 'silent', 'taken', 'full', 'invalid']

/** What became of it over all it was handed to: the worst, but that one of them does not listen, or is silent, says nothing where another takes it. */
export function overAll(deliveries: readonly Delivery[]): Delivery {
  return deliveries.reduce(
    (worst, each) => (RANKS.indexOf(each.kind) > RANKS.indexOf(worst.kind) ? each : worst),
    UNKNOWN,
  )
}
