import type { Said } from '../answer.ts'
import { forbiddenFor } from '../forbidden-address.ts'
import { type Claimed, readClaims } from '../found-endpoint.ts'
import type { Plan } from '../plans.ts'

/** Where something is, as records of a name say. */
export interface Located {
  readonly host: string
  /** Left out: what the source says. */
  readonly port?: number
  /** Of SRV records: lower is first. */
  readonly priority?: number
  /** Of SRV records; 0 says nothing. */
  readonly weight?: number
}

/**
 * Endpoints of what records say. The priorities of SRV records become 0, 1, 2 … from that of the source on, in their order; a weight
 * counts where it is above 0. Addresses that nobody may be sent to are left out, and told.
 */
export function saidOf(
  located: readonly Located[],
  ttlMs: number | undefined,
  { entry, admin }: Pick<Plan, 'entry' | 'admin'>,
  isPartial: boolean,
): Said {
  const { scheme, port: written } = entry
  const usual = written ?? (scheme === 'https' ? 443 : 80)
  const ranks = [...new Set(located.map(({ priority = 0 }) => priority))].sort((a, b) => a - b)
  const faults: string[] = []
  const claims = located.flatMap(({ host, port = usual, priority = 0, weight = 0 }): Claimed[] => {
    const fault = forbiddenFor(host, port, admin)
    if (fault !== undefined) {
      faults.push(fault)
      return []
    }
    const rank = Math.min(127, entry.priority + ranks.indexOf(priority))
    const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
    return [{ url, priority: rank, ...(weight > 0 && { weight }) }]
  })
  const read = readClaims(claims, entry)
  return {
    kind: 'found',
    endpoints: read.endpoints,
    isWhole: false,
    ...(ttlMs !== undefined && { ttlMs }),
    ...(isPartial && { isPartial }),
    faults: [...faults, ...read.faults],
  }
}
