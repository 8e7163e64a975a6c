import { isSame } from '../../config/changes.ts'
import { DISCOVERED, isMark, marksOf } from '../../config/discover.ts'
import type { Config, EndpointConfig, ServiceConfig } from '../../config/schema.ts'
import { ARRIVING, DEGRADED, EJECTED, HARD_BARS, ISOLATED, TRIAL_BARS, TRIPPED, UNHEALTHY } from '../../memory/bars.ts'
import { tickClock } from '../../memory/clock.ts'
import type { Edit, NewEndpoint } from '../../memory/edit.ts'
import { FACTOR_WHOLE, HEALTH_UNKNOWN } from '../../memory/endpoint-table.ts'
import {
  changeFacts,
  ENDPOINT_FACTS,
  type Facts,
  SERVICE_FACTS,
  writeFacts,
  writeServiceFacts,
} from '../../memory/facts.ts'
import type { Region } from '../../memory/region.ts'
import { writeSessions } from '../../memory/sessions.ts'
import { isSameTenant, newEndpoint } from '../config-tables.ts'
import { serviceTextOf } from '../service-text.ts'
import type { EndpointSnapshot, ServiceSnapshot, TablesSnapshot } from './snapshot.ts'

/** Who will look after what was learned. */
export interface Owners {
  /** Whether an agent of this name will run. */
  hasAgent(name: string): boolean
}

/**
 * Puts the services of a config into tables that have none, and of a snapshot what that config leaves standing: as if the process
 * that took it had lived, and read this config now.
 *
 *   configured then ──┐                what is the same in both is as it was live: weight, drain, taken out, added
 *                     ├─ differences ─▶ where they differ the config wins: its endpoint, its weight
 *   configured now ───┘                who is in the tables no more than in the config is forgotten, with all that was known
 *
 * Nothing has changed when it throws, as an edit that is not published; `agoMs` is the age of the snapshot.
 */
export function resumeTables(
  edit: Edit,
  region: Region,
  config: Config,
  snapshot: TablesSnapshot,
  agoMs: number,
  owners: Owners,
): void {
  const nowMs = tickClock(region)
  const before = new Map(snapshot.services.map(service => [service.name, service]))
  const rowsByNumber = numberRows(snapshot)
  for (const [name, service] of Object.entries(config.services)) {
    const known = before.get(name)
    const index = edit.putService(serviceTextOf(name, service, config.zone))
    if (known !== undefined) writeServiceFacts(region, index, ownedServiceFacts(known.facts, owners))
    for (const { endpoint, learned } of endpointsAfter(service, known)) {
      const row = edit.add(index, endpoint)
      if (learned === undefined) continue
      writeFacts(region, row, ownedFacts(learned.facts, service, owners), nowMs, agoMs)
      rowsByNumber.put(learned, row)
    }
  }
  writeSessions(region, snapshot.sessions, rowsByNumber.rows, nowMs, agoMs)
}

/** Sessions call endpoints by number, in the order of the snapshot. */
function numberRows({ services }: TablesSnapshot): {
  rows: Int32Array
  put(endpoint: EndpointSnapshot, row: number): void
} {
  const numbers = new Map(services.flatMap(({ endpoints }) => endpoints).map((endpoint, number) => [endpoint, number]))
  const rows = new Int32Array(numbers.size).fill(-1)
  return { rows, put: (endpoint, row) => void (rows[numbers.get(endpoint)!] = row) }
}

/** An endpoint as it is to be in the tables, and what is known of it. */
interface Resumed {
  readonly endpoint: NewEndpoint
  readonly learned: EndpointSnapshot | undefined
}

/**
 * The endpoints of a service: those of the config, as far as they stand, and those that were added live, or found by a source that is
 * still looked at.
 */
export function endpointsAfter(service: ServiceConfig, known: ServiceSnapshot | undefined): Resumed[] {
  const before = new Map(known?.configured.map(each => [each.id, each]))
  const live = new Map(known?.endpoints.map(each => [each.id, each]))
  const wanted = new Set(service.endpoints.map(({ id }) => id))
  const marks = marksOf(service.discover)
  const isLeft = ({ metadata }: EndpointSnapshot): boolean => {
    const mark = Object.hasOwn(metadata, DISCOVERED) ? metadata[DISCOVERED]! : ''
    return isMark(mark) && !marks.has(mark)
  }
  const added = [...live.values()].filter(
    each => !wanted.has(each.id) && !before.has(each.id) && (each.facts[BARS_AT] & ARRIVING) === 0 && !isLeft(each),
  )
  return [
    ...service.endpoints.flatMap(next => after(next, before.get(next.id), live.get(next.id))),
    ...added.map(learned => ({ endpoint: tenantOf(learned), learned })),
  ]
}

function after(
  next: EndpointConfig,
  before: EndpointConfig | undefined,
  learned: EndpointSnapshot | undefined,
): Resumed[] {
  if (before !== undefined && isSame(before, next)) {
    return learned === undefined ? [] : [{ endpoint: tenantOf(learned), learned }]
  }
  const endpoint = newEndpoint(next)
  if (learned === undefined || !isSameTenant(learned, endpoint)) return [{ endpoint, learned: undefined }]
  const isWeightKept = before?.weight === next.weight
  return [{ endpoint: isWeightKept ? { ...endpoint, weight: learned.weight } : endpoint, learned }]
}

function tenantOf({ facts: _, ...endpoint }: EndpointSnapshot): NewEndpoint {
  return endpoint
}

/** What stands of the facts: a verdict whose owner does not run would stand for ever, for nobody would take it back. */
function ownedFacts(facts: Facts, { healthCheck, breaker }: ServiceConfig, { hasAgent }: Owners): Facts {
  const hasChecks = healthCheck !== undefined && hasAgent('health-monitor')
  const owned =
    (hasChecks ? UNHEALTHY | DEGRADED : 0) |
    (hasAgent('health-monitor') ? ISOLATED : 0) |
    (hasAgent('failure-detector') ? EJECTED : 0) |
    (breaker !== undefined ? TRIPPED : 0)
  return changeFacts(facts, ENDPOINT_FACTS, {
    // Nobody goes on with a trial: who was to leave stays, and who was to arrive has not.
    bars: facts[BARS_AT] & ((HARD_BARS & ~(TRIAL_BARS | ISOLATED)) | owned),
    ...(!hasChecks && { health: HEALTH_UNKNOWN }),
    ...(!hasAgent('load-balancer') && { factorQ12: FACTOR_WHOLE, limit: 0 }),
    ...(!hasAgent('resource-manager') && { utilisationQ12: 0 }),
  })
}

const BARS_AT = ENDPOINT_FACTS.indexOf('bars')

/** A panic that was told is called off by who told it. */
function ownedServiceFacts(facts: Facts, { hasAgent }: Owners): Facts {
  return hasAgent('load-balancer') ? facts : changeFacts(facts, SERVICE_FACTS, { panicTold: 0 })
}
