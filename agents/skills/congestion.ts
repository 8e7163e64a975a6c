import { type Attachment, ERROR, elapsedMs, OK, TIMEOUT } from '../../engine/writer.ts'
import { stay } from '../kit/grammar/directive.ts'
import { defineSensor } from '../kit/grammar/sensor.ts'
import { defineSkill } from '../kit/grammar/skill.ts'
import { type Connectivity, congestionChanged, connectivityMeasured, type EndpointRef } from '../signals.ts'
import { countsOf, grownSince, type RowCount, type RowCounts } from './row-counts.ts'

/** How long it takes to connect to an endpoint. */
interface Connect {
  readonly generation: number
  readonly connectMs: number
  /** What it usually takes: learnt slowly, and not while it is inflated. */
  readonly usualMs: number
  readonly ms: number
}

export interface Congestion {
  /** By row. */
  readonly connects: ReadonlyMap<number, Connect>
}

const EVERY_MS = 5_000
const REQUESTS_MIN = 20
/** A tenth of the requests run into a timeout, or connecting takes three times what it usually does and some ms more: congested. */
const TIMEOUTS = 0.1
const INFLATION = 3
const INFLATED_MS = 2
/** Half of that, and it is over. */
const OVER = 0.5
/** Weight of one measurement in what is usual. */
const ALPHA = 0.1
/** Connectivity that was not measured again for so long says nothing. */
const FRESH_MS = 60_000

interface Counted extends EndpointRef {
  readonly answered: number
  readonly timedOut: number
  /** Times what is usual; 0: not known. */
  readonly inflation: number
}

interface Memory {
  readonly answered: RowCounts
  readonly timedOut: RowCounts
  /** Rows that are congested, and their tenants. */
  readonly congested: ReadonlyMap<number, number>
}

/**
 * Knows which ways are congested: requests that run into timeouts, and connecting that takes far longer than it usually does. What connecting
 * takes others measure; where nobody does, timeouts alone tell.
 */
export const congestion = defineSkill({
  name: 'congestion',
  listens: [connectivityMeasured],
  emits: [congestionChanged],
  sensors: [
    defineSensor({
      name: 'congestion',
      emits: congestionChanged,
      everyMs: EVERY_MS,
      start: (): Memory => ({ answered: new Map(), timedOut: new Map(), congested: new Map() }),
      read: edge => readCounts(edge.attachment, edge.knows() as Congestion, edge.now()),
      perceive: (memory, rows: readonly Counted[]) => compare(memory, rows),
    }),
  ],
  start: () => stay<Congestion>({ connects: new Map() }),
  decide: (slice: Congestion, signal, now) =>
    connectivityMeasured.is(signal) ? stay({ connects: learnt(slice.connects, signal.data.rows, now) }) : stay(slice),
})

/** What is usual follows what is measured as long as that is not inflated. */
export function learnt(
  before: ReadonlyMap<number, Connect>,
  rows: readonly Connectivity[],
  now: number,
): ReadonlyMap<number, Connect> {
  const connects = new Map([...before].filter(([, { ms }]) => elapsedMs(now, ms) < FRESH_MS))
  for (const { row, generation, connectMs } of rows) {
    if (connectMs === null) continue
    const known = before.get(row)
    const usualMs = known?.generation === generation ? known.usualMs : connectMs
    const isInflated = connectMs > INFLATION * usualMs + INFLATED_MS
    const nextMs = isInflated ? usualMs : usualMs + ALPHA * (connectMs - usualMs)
    connects.set(row, { generation, connectMs, usualMs: nextMs, ms: now })
  }
  return connects
}

function readCounts(attachment: Attachment, { connects }: Congestion, now: number): Counted[] {
  const { endpoints, tally } = attachment
  return attachment.serviceTexts().flatMap(({ text, rows }) =>
    rows.map(row => {
      const generation = endpoints.generation(row)
      const timedOut = tally.settled(row, TIMEOUT)
      const answered = (tally.settled(row, OK) + tally.settled(row, ERROR) + timedOut) | 0
      const ref = { row, generation, service: text.name, id: attachment.endpoint(row).id }
      return { ...ref, answered, timedOut, inflation: inflationOf(connects.get(row), generation, now) }
    }),
  )
}

function inflationOf(connect: Connect | undefined, generation: number, now: number): number {
  if (connect?.generation !== generation || elapsedMs(now, connect.ms) >= FRESH_MS) return 0
  return connect.connectMs / (connect.usualMs + INFLATED_MS / INFLATION)
}

function compare(memory: Memory, rows: readonly Counted[]) {
  const counts = (of: (each: Counted) => number): RowCount[] =>
    rows.map(each => ({ row: each.row, generation: each.generation, count: of(each) }))
  const [answered, timedOut] = [counts(each => each.answered), counts(each => each.timedOut)]
  const congested = new Map<number, number>()
  const readings = rows.flatMap(({ answered: _, timedOut: __, inflation, ...ref }, i) => {
    const { row, generation } = ref
    const requests = grownSince(memory.answered, answered[i]!)
    const timeoutShare = requests < REQUESTS_MIN ? 0 : Math.min(1, grownSince(memory.timedOut, timedOut[i]!) / requests)
    const wasCongested = memory.congested.get(row) === generation
    const factor = wasCongested ? OVER : 1
    const isCongested = timeoutShare > TIMEOUTS * factor || inflation > INFLATION * factor
    if (isCongested) congested.set(row, generation)
    if (isCongested === wasCongested) return []
    const data = { ...ref, isCongested, timeoutShare, connectInflation: inflation }
    return [congestionChanged.of(data, `${ref.service}/${ref.id}`)]
  })
  return { memory: { answered: countsOf(answered), timedOut: countsOf(timedOut), congested }, readings }
}
