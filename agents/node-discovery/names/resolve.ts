import { NODATA, NOTFOUND, promises, type RecordWithTtl } from 'node:dns'
import type { Said } from '../answer.ts'
import type { Plan } from '../plans.ts'
import { type Located, saidOf } from './located.ts'

type Resolver = InstanceType<typeof promises.Resolver>

/** Records of one kind: what there is, which may be nothing, or why nobody can say. */
type Records<T> = { readonly found: readonly T[] } | { readonly fault: string }

interface Addresses {
  readonly found: readonly { readonly host: string; readonly ttlMs: number }[]
  readonly faults: readonly string[]
}

/** Of a name's targets; whoever has more has them left out, and told. */
const TARGETS_MAX = 1024

/**
 * Asks name servers for the endpoints of a name: its SRV records, and of their targets the addresses; where there are none, and the
 * source does not say otherwise, its own addresses. `signal` calls it off.
 *
 *   SRV ──▶ targets ──▶ A, AAAA        each address and port is an endpoint
 *    └ none ──▶ A, AAAA
 */
export async function resolveName(plan: Plan, signal: AbortSignal): Promise<Said> {
  const { dns: name = '', type, server } = plan.entry
  const resolver = new promises.Resolver({ timeout: plan.timeoutMs, tries: 1 })
  if (server !== undefined) {
    const { address, port } = server
    resolver.setServers([address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`])
  }
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    if (type !== 'a') {
      const services = await records(resolver.resolveSrv(name))
      if ('fault' in services) return { kind: 'failed', reason: services.fault }
      if (services.found.length > 0) return await ofTargets(resolver, services.found.slice(0, TARGETS_MAX), plan)
      if (type === 'srv') return saidOf([], undefined, plan, false)
    }
    const { found, faults } = await addressesOf(resolver, name)
    if (found.length === 0 && faults.length > 0) return { kind: 'failed', reason: faults[0]! }
    return saidOf(found, leastOf(found), plan, faults.length > 0)
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

interface Target {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

async function ofTargets(resolver: Resolver, targets: readonly Target[], plan: Plan): Promise<Said> {
  const named = targets.filter(({ name }) => name !== '' && name !== '.')
  const answers = await Promise.all(
    [...new Set(named.map(({ name }) => name))].map(async name => [name, await addressesOf(resolver, name)] as const),
  )
  const byName = new Map(answers)
  const all = answers.flatMap(([, { found }]) => found)
  const faults = answers.flatMap(([, { faults }]) => faults)
  if (all.length === 0 && faults.length > 0) return { kind: 'failed', reason: faults[0]! }
  const located = named.flatMap(({ name, port, priority, weight }) =>
    byName.get(name)!.found.map(({ host }): Located => ({ host, port, priority, weight })),
  )
  return saidOf(located, leastOf(all), plan, faults.length > 0)
}

async function addressesOf(resolver: Resolver, name: string): Promise<Addresses> {
  const both = await Promise.all([
    records<RecordWithTtl>(resolver.resolve4(name, { ttl: true })),
    records<RecordWithTtl>(resolver.resolve6(name, { ttl: true })),
  ])
  return {
    found: both.flatMap(each =>
      'found' in each ? each.found.map(({ address, ttl }) => ({ host: address, ttlMs: ttl * 1000 })) : [],
    ),
    faults: both.flatMap(each => ('fault' in each ? [each.fault] : [])),
  }
}

/** That there is nothing is an answer, too. */
async function records<T>(asked: Promise<readonly T[]>): Promise<Records<T>> {
  try {
    return { found: await asked }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === NODATA || code === NOTFOUND ? { found: [] } : { fault: `${message}` }
  }
}

function leastOf(found: Addresses['found']): number | undefined {
  return found.length === 0 ? undefined : Math.min(...found.map(({ ttlMs }) => ttlMs))
}
