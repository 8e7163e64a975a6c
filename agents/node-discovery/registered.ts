import type { Bridge } from '../bridge/bridge.ts'
import type { Answer } from './answer.ts'
import { type Claimed, readClaims } from './found-endpoint.ts'
import { forbiddenFor } from './forbidden-address.ts'
import type { Plan } from './plans.ts'

/** Of one role. */
const REGISTERED_MAX = 16_384

/**
 * The endpoints of a role: who registered for it and says under `url` of its meta where it serves requests. `weight`, `zone`, `priority`
 * and `id` may stand beside it; the id is else what it is registered as. One that says it has failed is not among them.
 */
export function endpointsRegistered({ entry, admin }: Plan, bridge: Bridge | undefined): Answer['said'] {
  if (bridge === undefined) return { kind: 'failed', reason: 'there is no registry' }
  const faults: string[] = []
  const claims = bridge
    .discover({ role: entry.registry! })
    .slice(0, REGISTERED_MAX)
    .flatMap(({ agent, zone, health, meta }): Claimed[] => {
      const { url, id = agent, weight, priority, zone: named = zone } = isMap(meta) ? meta : {}
      if (typeof url !== 'string' || health === 'failed') return []
      const claim = { url, id, ...(named !== undefined && { zone: named }) }
      const fault = forbidden(url, admin)
      if (fault === undefined) return [{ ...claim, ...numbersOf({ weight, priority }) }]
      faults.push(fault)
      return []
    })
  const read = readClaims(claims, entry)
  return { kind: 'found', endpoints: read.endpoints, isWhole: false, faults: [...faults, ...read.faults] }
}

function forbidden(url: string, admin: Plan['admin']): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { hostname, port, protocol } = new URL(url)
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return forbiddenFor(host, Number(port) || (protocol === 'https:' ? 443 : 80), admin)
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
