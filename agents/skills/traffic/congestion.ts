import { type Attachment, ERROR, elapsedMs, OK, TIMEOUT } from '../../../engine/writer.ts'
import { stay } from '../../kit/grammar/directive.ts'
import { defineSensor } from '../../kit/grammar/sensor.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { type Connectivity, congestionChanged, connectivityMeasured } from '../../signals.ts'
import { grown, NO_COUNTS, type RowCounts, readRowCounts } from './row-counts.ts'

/** How long it takes to connect to an endpoint. */
interface Connect {
  readonly generation: number
  readonly connectMs: number
  /** What it usually takes: learnt slowly, and ten times as slowly while it is inflated. */
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
/** Weight of one measurement in what is usual, and of an inflated one: a way that is longer for good is what is usual some day. */
const ALPHA = 0.1
const ALPHA_INFLATED = ALPHA / 10
/** Connectivity that was not measured again for so long says nothing. */
const FRESH_MS = 60_000

/** A look, with what it takes to connect, times what is usual, and what endpoints are called. */
interface Look {
  readonly counts: RowCounts
  /** By row; 0: not known. */
  readonly inflations: Float64Array
  idOf(row: number): string
}

interface Memory {
  readonly counts: RowCounts
  /** Rows that are congested, and their tenants. */
  readonly congested: ReadonlyMap<number, number>
}

const ANSWERED = 0
const TIMED_OUT = 1

/**
 * Knows which ways are congested: requests that run into timeouts, and connecting that takes far longer than it usually does. What connecting
 * takes others measure; where nobody does, timeouts alone tell.
 *
 * It is told for those who watch; no weight follows from it. Timeouts are failures, for which the load balancer takes weight by their share, and how
 * long it takes to connect is part of the risk that node discovery tells: who is congested would lose the same weight twice.
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
      start: (): Memory => ({ counts: NO_COUNTS, congested: new Map() }),
      read: edge => readLook(edge.attachment, edge.knows() as Congestion, edge.now()),
      perceive: (memory, look: Look) => compare(memory, look),
    }),
  ],
  start: () => stay<Congestion>({ connects: new Map() }),
  decide: (slice: Congestion, signal, now) =>
    connectivityMeasured.is(signal) ? stay({ connects: learnt(slice.connects, signal.data.rows, now) }) : stay(slice),
})

/**
 * What is usual follows what is measured, and ten times as slowly while that is inflated. Connects of 1 ms that take 20 ms for good are inflated for
 * 31 measurements more, and congestion is over within forty.
 */
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
    const nextMs = usualMs + (isInflated ? ALPHA_INFLATED : ALPHA) * (connectMs - usualMs)
    connects.set(row, { generation, connectMs, usualMs: nextMs, ms: now })
  }
  return connects
}

function readLook(attachment: Attachment, { connects }: Congestion, now: number): Look {
  const { tally } = attachment
  const timedOut = (row: number): number => tally.settled(row, TIMEOUT)
  const answered = (row: number): number =>
    (tally.settled(row, OK) + tally.settled(row, ERROR) + tally.settled(row, TIMEOUT)) | 0
  const counts = readRowCounts(attachment, answered, timedOut)
  const inflations = new Float64Array(counts.generations.length)
  for (const [row, connect] of connects) inflations[row] = inflationOf(connect, counts.generations[row]!, now)
  // The names of a row's tenant are kept as long as it is there: nothing is read anew.
  return { counts, inflations, idOf: row => attachment.endpoint(row).id }
}

function inflationOf(connect: Connect, generation: number, now: number): number {
  if (connect.generation !== generation || elapsedMs(now, connect.ms) >= FRESH_MS) return 0
  return connect.connectMs / (connect.usualMs + INFLATED_MS / INFLATION)
}

function compare({ counts: before, congested: known }: Memory, { counts: after, inflations, idOf }: Look) {
  const congested = new Map<number, number>()
  const readings = after.services.flatMap(({ service, rows }) =>
    rows.flatMap(row => {
      const generation = after.generations[row]!
      const inflation = inflations[row]!
      const requests = grown(before, after, row, ANSWERED)
      const timeouts = grown(before, after, row, TIMED_OUT)
      const timeoutShare = requests < REQUESTS_MIN ? 0 : Math.min(1, timeouts / requests)
      const wasCongested = known.get(row) === generation
      const factor = wasCongested ? OVER : 1
      const isCongested = timeoutShare > TIMEOUTS * factor || inflation > INFLATION * factor
      if (isCongested) congested.set(row, generation)
      if (isCongested === wasCongested) return []
      const id = idOf(row)
      const data = { row, generation, service, id, isCongested, timeoutShare, connectInflation: inflation }
      return [congestionChanged.of(data, `${service}/${id}`)]
    }),
  )
  return { memory: { counts: after, congested }, readings }
}
