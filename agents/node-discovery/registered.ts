import type { Bridge } from '../bridge/bridge.ts'
import { placeOf } from '../skills/network/connect-time.ts'
import type { Answer } from './answer.ts'
import { forbiddenFor } from './forbidden-address.ts'
import { type Claimed, readClaims } from './found-endpoint.ts'
import type { Plan } from './plans.ts'

/** Of one role. */
const REGISTERED_MAX = 16_384

/**
 * The endpoints of a role: who registered for it and says under `url` of its meta where it serves requests. `weight`, `zone`, `priority`
 * and `id` may stand beside it; the id is else what it is registered as. One that says it has failed is not among them.
 */
export function endpointsRegistered({ entry, admin }: Plan, bridge: Bridge | undefined): Answer['said'] {
  if (bridge === undefined) return { kind: 'failed', reason: 'there is no registry' }
  const claims = bridge
    .discover({ role: entry.registry! })
    .slice(0, REGISTERED_MAX)
    .flatMap(({ agent, zone, health, meta }): Claimed[] => {
      const { url, id = agent, weight, priority, zone: named = zone } = isMap(meta) ? meta : {}
      if (typeof url !== 'string' || health === 'failed') return []
      return [{ url, id, ...(named !== undefined && { zone: named }), ...numbersOf({ weight, priority }) }]
    })
  const { endpoints, faults } = readClaims(claims, entry)
  const allowed = endpoints.filter(({ url }) => {
    const { host, port } = placeOf(url)
    const fault = forbiddenFor(host, port, admin)
    if (fault !== undefined) faults.push(fault)
    return fault === undefined
  })
  return { kind: 'found', endpoints: allowed, isWhole: false, faults }
}

/** Meta are texts. */
function numbersOf(texts: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(texts).flatMap(([key, text]) => (text === undefined ? [] : [[key, Number(text)]])),
  )
}

function isMap(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
