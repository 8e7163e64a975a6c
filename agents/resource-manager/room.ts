/** What is known of how an endpoint is used: shares from 0 to 1, undefined for what is not known. */
export interface Used {
  readonly cpu?: number | undefined
  readonly memory?: number | undefined
  readonly network?: number | undefined
}

const WEIGHTS = { cpu: 0.4, memory: 0.3, network: 0.3 } as const
/** Of what is not known. */
const NEUTRAL = 0.5

/**
 * How much room an endpoint has left, from 0 to 1.
 *
 *   room = 0.4 × (1 − cpu) + 0.3 × (1 − memory) + 0.3 × (1 − network)        what is not known counts as 0.5
 *
 * Undefined where nothing at all is known: a policy has its own idea of that, and people are to be told that there are no figures.
 */
export function roomOf(used: Used): number | undefined {
  const parts = (['cpu', 'memory', 'network'] as const).map(what => {
    const share = used[what]
    return { weight: WEIGHTS[what], left: share === undefined ? undefined : 1 - Math.min(1, Math.max(0, share)) }
  })
  if (parts.every(({ left }) => left === undefined)) return undefined
  return parts.reduce((room, { weight, left = NEUTRAL }) => room + weight * left, 0)
}
