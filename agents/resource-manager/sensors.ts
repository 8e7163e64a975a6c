import { elapsedMs, type ReportedLoad, reportedLoad } from '../../engine/writer.ts'
import { defineSensor, type SensorEdge } from '../kit/grammar/sensor.ts'
import { viewTables } from '../kit/tables.ts'
import { type Capacity, capacityReported } from '../signals/capacity.ts'

const DECLARED_MS = 5_000
const SAID_MS = 1_000
/** What was said before this many looks has been seen. */
const SAID_LOOKS = 5
/** Rows of one signal: some tens of KiB. */
const ROWS_MAX = 256

interface Declared {
  readonly row: number
  readonly generation: number
  readonly service: string
  readonly id: string
  readonly capacity: number
  readonly inflight: number
}

/** How much endpoints use of the capacity that the config gives them: requests in flight ÷ what they can work on at a time. */
export const declaredCapacity = defineSensor({
  name: 'declared-capacity',
  emits: capacityReported,
  everyMs: DECLARED_MS,
  start: () => null,
  read: ({ attachment }: SensorEdge): Declared[] =>
    viewTables(attachment).services.flatMap(({ name: service, endpoints }) =>
      endpoints.flatMap(({ row, generation, id, capacity, inflight }) =>
        capacity === undefined ? [] : [{ row, generation, service, id, capacity, inflight }],
      ),
    ),
  perceive: (memory, declared) => ({
    memory,
    readings: inChunks(
      declared.map(({ capacity, inflight, ...ref }) => ({
        ...{ ...ref, cpu: null, memory: null, network: null },
        ...{ utilisation: Math.min(1, inflight / capacity), maxConnections: capacity },
      })),
    ).map(rows => capacityReported.of({ by: 'config', rows })),
  }),
})

interface Said extends ReportedLoad {
  readonly row: number
  readonly generation: number
  readonly service: string
  readonly id: string
}

/** By row, the clock when it said what was told last. */
type ToldMs = ReadonlyMap<number, number>

/** What endpoints have said of their load in the heads of their answers, where their service listens to that. */
export const reportedUtilisation = defineSensor({
  name: 'reported-utilisation',
  emits: capacityReported,
  everyMs: SAID_MS,
  start: (): ToldMs => new Map(),
  read: ({ attachment, now }: SensorEdge): Said[] =>
    attachment.serviceTexts().flatMap(({ text, rows }) => {
      if (text.isGone) return []
      return rows.flatMap(row => {
        const load = reportedLoad(attachment.region, row)
        if (load === undefined || elapsedMs(now(), load.atMs) > SAID_LOOKS * SAID_MS) return []
        const generation = attachment.endpoints.generation(row)
        return [{ ...load, row, generation, service: text.name, id: attachment.endpoint(row).id }]
      })
    }),
  perceive: (told: ToldMs, said) => ({
    memory: new Map(said.map(({ row, atMs }) => [row, atMs])),
    readings: inChunks(
      said
        .filter(({ row, atMs }) => told.get(row) !== atMs)
        .map(({ atMs: _, cpu = null, memory = null, utilisation = null, ...ref }) => ({
          ...{ ...ref, cpu, memory, utilisation, network: null, maxConnections: null },
        })),
    ).map(rows => capacityReported.of({ by: 'header', rows })),
  }),
})

function inChunks(rows: readonly Capacity[]): (readonly Capacity[])[] {
  return Array.from({ length: Math.ceil(rows.length / ROWS_MAX) }, (_, i) =>
    rows.slice(i * ROWS_MAX, (i + 1) * ROWS_MAX),
  )
}
