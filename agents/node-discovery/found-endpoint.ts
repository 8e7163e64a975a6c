import { defaultEndpointId, endpointFault, type NewEndpoint, readEndpointUrl } from '../../engine/writer.ts'

/** What a source leaves open. */
export interface Defaults {
  readonly scheme: 'http' | 'https'
  readonly zone: string
  readonly weight: number
  readonly priority: number
}

/** What somebody said of an endpoint, as it came: nothing of it is believed before it is checked. */
export interface Claimed {
  readonly id?: unknown
  readonly url?: unknown
  readonly weight?: unknown
  readonly zone?: unknown
  readonly priority?: unknown
  readonly metadata?: unknown
}

const KEYS = ['id', 'url', 'weight', 'zone', 'priority', 'metadata']

/** A claim made whole, or what is wrong with it. An url without a scheme gets the source's; the id is host:port where there is none. */
export function readClaim(claimed: Claimed, defaults: Defaults): { endpoint: NewEndpoint } | { fault: string } {
  const stranger = Object.keys(claimed).find(key => !KEYS.includes(key))
  if (stranger !== undefined) return { fault: `"${stranger}" is no key of an endpoint; write ${KEYS.join(', ')}` }
  if (typeof claimed.url !== 'string') return { fault: 'it has no url; write http://host:port' }
  const read = readEndpointUrl(claimed.url.includes('://') ? claimed.url : `${defaults.scheme}://${claimed.url}`)
  if ('fault' in read) return { fault: `its url ${read.fault}` }
  const { zone = defaults.zone, weight = defaults.weight, priority = defaults.priority, metadata = {} } = claimed
  const endpoint = {
    id: claimed.id ?? defaultEndpointId(read.value),
    url: read.value,
    zone,
    metadata,
    weight,
    priority,
  }
  const fault = endpointFault(endpoint)
  return fault === undefined ? { endpoint: endpoint as NewEndpoint } : { fault }
}

/** What `read` made of many claims: those that are endpoints, each id once, and what is wrong with the others. */
export function readClaims(
  claims: readonly Claimed[],
  defaults: Defaults,
): { endpoints: NewEndpoint[]; faults: string[] } {
  const endpoints = new Map<string, NewEndpoint>()
  const faults: string[] = []
  for (const claim of claims) {
    const read = readClaim(claim, defaults)
    if ('fault' in read) faults.push(read.fault)
    else if (!endpoints.has(read.endpoint.id)) endpoints.set(read.endpoint.id, read.endpoint)
  }
  return { endpoints: [...endpoints.values()], faults }
}
