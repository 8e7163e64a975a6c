import { type Directive, emit, stay } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { type AnySensor, defineSensor, type SensorEdge } from '../../kit/grammar/sensor.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { defineSkill, type Mounted } from '../../kit/grammar/skill.ts'
import { type Connectivity, connectivityMeasured, type EndpointRef, riskChanged } from '../../signals.ts'
import { bandwidth, bandwidthSensed, type Flow } from './bandwidth.ts'
import { placeOf, reach } from './connect-time.ts'
import { connectionRisk } from './connection-risk.ts'
import { lossOf, measured, NEVER, type Reached } from './connectivity.ts'

export interface NetworkOptions {
  /** How often each endpoint is connected to, in ms; where there are very many, see SCANNED_MAX, less often. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** From which risk on it is told, from 0 to 1. */
  readonly riskThreshold: number
}

/** How endpoints are reached, and which of them are at risk. */
export interface NetworkSlice {
  /** By row. */
  readonly endpoints: ReadonlyMap<number, Measurement>
  /** By row: what went to and from it of late, where anything did. */
  readonly traffic: ReadonlyMap<number, Flow>
  /** By row: risks that were told and not called off. */
  readonly atRisk: ReadonlyMap<number, number>
}

interface Measurement extends Reached {
  readonly ref: EndpointRef
}

interface Scanned {
  readonly at: string
  /** Of all endpoints there are. */
  readonly rows: number
  /** Rows that have an endpoint, where all of them were gone through. */
  readonly there: ReadonlySet<number> | null
  readonly attempts: readonly { readonly ref: EndpointRef; readonly connectMs: number | null }[]
}
/** What a look came to. */
export const networkScanned = defineSignal('signalbox.network.scanned', { data: trusted<Scanned>(), telemetry: true })

/** Endpoints in one look; there is one look a second at most. Ten thousand take 157 s so, and some percent of a core. */
const SCANNED_MAX = 64
const LOOK_MS_MIN = 1_000
/** The first look waits: who starts has better things to do, and so have the endpoints. */
const FIRST_MS = 1_000
/** A risk that moves by less is told as it was. */
const TOLD_STEP = 0.1

/**
 * Measures how endpoints are reached, by connecting to each in turn, and tells which of them are at risk for it. It connects to endpoints of
 * the tables and to nothing else.
 *
 *   tables ──▶ 64 of them at a time ──▶ connect ──▶ latency, loss of the last hundred ──▶ connectivity, risk
 */
export const networkAnalysis = {
  name: 'network-analysis',
  mount(key: string, options: NetworkOptions): Mounted<NetworkSlice> {
    const skill = defineSkill({
      name: 'network-analysis',
      emits: [connectivityMeasured, riskChanged],
      sensors: [networkScan(key, options), bandwidth(key)],
      start: () => stay<NetworkSlice>({ endpoints: new Map(), traffic: new Map(), atRisk: new Map() }),
      decide(slice: NetworkSlice, signal) {
        if (signal.data.at !== key) return stay(slice)
        if (bandwidthSensed.is(signal)) return stay({ ...slice, traffic: signal.data.flows })
        return networkScanned.is(signal) ? onScanned(slice, signal.data, options.riskThreshold) : stay(slice)
      },
    })
    return skill.mount(key, undefined)
  },
}

/** Goes over the rows of the tables in order, a part at each look, so that all have been gone over in the interval. */
function networkScan(key: string, { intervalMs, timeoutMs }: NetworkOptions): AnySensor {
  let cursor = -1
  let isFirst = true
  return defineSensor({
    name: 'network-scan',
    emits: networkScanned,
    everyMs: intervalMs,
    timeoutMs: timeoutMs + 10_000,
    isOutside: true,
    start: () => null,
    read: async (edge): Promise<Scanned | undefined> => {
      if (isFirst) {
        isFirst = false
        return undefined
      }
      const serviceOf = servicesByRow(edge)
      const all = [...serviceOf.keys()].sort((a, b) => a - b)
      const due = all.filter(row => row > cursor).slice(0, SCANNED_MAX)
      cursor = due.length < SCANNED_MAX ? -1 : due.at(-1)!
      const attempts = await Promise.all(
        due.map(async row => {
          const { id, url } = edge.attachment.endpoint(row)
          const generation = edge.attachment.endpoints.generation(row)
          const { host, port } = placeOf(url)
          const { connectMs } = await reach(host, port, timeoutMs, edge)
          return { ref: { row, generation, service: serviceOf.get(row)!, id }, connectMs }
        }),
      )
      return { at: key, rows: all.length, there: cursor < 0 ? new Set(all) : null, attempts }
    },
    perceive: (memory: null, scanned: Scanned | undefined) => {
      if (scanned === undefined) return { memory, readings: [], nextMs: FIRST_MS }
      const looks = Math.max(1, scanned.rows / SCANNED_MAX)
      return { memory, readings: [networkScanned.of(scanned)], nextMs: Math.max(LOOK_MS_MIN, intervalMs / looks) }
    },
  })
}

function servicesByRow({ attachment }: SensorEdge): Map<number, string> {
  const services = new Map<number, string>()
  for (const { text, rows } of attachment.serviceTexts()) {
    if (text.isGone !== true) for (const row of rows) services.set(row, text.name)
  }
  return services
}

function onScanned(before: NetworkSlice, { attempts, there }: Scanned, threshold: number) {
  const endpoints = new Map(before.endpoints)
  const atRisk = new Map(before.atRisk)
  const directives: Directive[] = []
  const rows: Connectivity[] = []
  for (const { ref, connectMs } of attempts) {
    const known = endpoints.get(ref.row)
    const isOther = known !== undefined && known.ref.generation !== ref.generation
    if (isOther) {
      directives.push(...calledOff(known.ref, atRisk))
    }
    const next: Measurement = { ...measured(isOther ? NEVER : (known ?? NEVER), connectMs), ref }
    endpoints.set(ref.row, next)
    const flow = before.traffic.get(ref.row)
    const connectivity = connectivityOf(next, flow?.generation === ref.generation ? flow.mbit : null)
    rows.push(connectivity)
    directives.push(...judged(connectivity, threshold, atRisk))
  }
  if (there !== null) {
    for (const [row, { ref }] of endpoints) {
      if (there.has(row)) continue
      endpoints.delete(row)
      directives.push(...calledOff(ref, atRisk))
    }
  }
  if (rows.length > 0) directives.push(emit(connectivityMeasured.of({ rows })))
  return { state: { ...before, endpoints, atRisk }, directives }
}

/** What is known of an endpoint, as others are told. */
function connectivityOf(measurement: Measurement, bandwidthMbit: number | null): Connectivity {
  const { ref, connectMs, measurements } = measurement
  return { ...ref, connectMs, loss: lossOf(measurement), bandwidthMbit, measurements }
}

/** A risk above the threshold is told when it comes and when it moves; at or below it is called off, and forgotten. */
function judged(connectivity: Connectivity, threshold: number, atRisk: Map<number, number>): Directive[] {
  const { row, generation, service, id } = connectivity
  const ref = { row, generation, service, id }
  const { risk, factors, etaMs } = connectionRisk(connectivity)
  if (risk <= threshold) return calledOff(ref, atRisk, risk)
  const told = atRisk.get(row)
  if (told !== undefined && Math.abs(told - risk) < TOLD_STEP) return []
  atRisk.set(row, risk)
  return [emit(riskChanged.of({ ...ref, risk, isAtRisk: true, factors, etaMs }, `${service}/${id}`))]
}

function calledOff(ref: EndpointRef, atRisk: Map<number, number>, risk = 0): Directive[] {
  if (!atRisk.delete(ref.row)) return []
  const { service, id } = ref
  return [emit(riskChanged.of({ ...ref, risk, isAtRisk: false, factors: [], etaMs: null }, `${service}/${id}`))]
}
