import { cpus } from 'node:os'
import { Bench } from 'tinybench'
import { bytesPerCall } from './allocated.ts'
import { readInto } from './one-by-one.ts'
import { type Percentiles, percentilesOf } from './percentiles.ts'

/** One measured row. Nanoseconds per operation; the null (an empty call in the same batch) is subtracted nowhere, but shown. */
export interface Row {
  name: string
  nsMedian: number
  nsP99: number
  spreadPercent: number
  samples: number
  /** Each call timed by itself, the clock's own cost in it: see one-by-one.ts. Not of journeys, which are timed so anyway. */
  single?: Percentiles
  /** What a call leaves on the heap. Not of journeys: others allocate while they wait. */
  bytes?: number
}

/**
 * A thing to measure: `batch(n, from)` does it n times, from the time of this number on: what has a key takes another one each time. A
 * single call is far below what a timer can see.
 */
export interface Subject {
  name: string
  begin: () => Promise<{ batch: Batch; close: () => Promise<void> }>
}

export type Batch = (times: number, from?: number) => void

/** A thing that takes time by waiting for others: each time is timed by itself, from its beginning to its end. */
export interface Journey {
  name: string
  /** How often it is timed, after a quarter as often untimed. Default: 2,000 times. */
  times?: number
  start: () => Promise<Begun>
}

export interface Begun {
  /** What is timed. */
  once: () => Promise<void>
  /** Untimed, before each time: until all is as it was. */
  ready?: () => Promise<void>
  stop: () => Promise<void>
}

/** Operations per timed sample: at 20 ns each a sample is 200 µs, four thousand times the cost of the timer. */
export const BATCH = 10_000
const SAMPLES = 200
const WARM_UP = 50
const JOURNEYS = 2000

/** Measures subjects one after the other, in batches and then call by call, and then journeys, one by one. */
export async function measure(
  subjects: readonly Subject[],
  journeys: readonly Journey[],
  onRow: (row: Row) => void | Promise<void>,
): Promise<void> {
  for (const { name, begin } of subjects) {
    const { batch, close } = await begin()
    try {
      const operations = callsOf(batch)
      const row = await time(name, () => batch(operations), { samples: SAMPLES, warmUp: WARM_UP, operations })
      await onRow({ ...row, single: timeOneByOne(i => batch(1, i)), bytes: bytesPerCall(batch) })
    } finally {
      await close()
    }
  }
  for (const { name, start, times = JOURNEYS } of journeys) {
    const { once, ready, stop } = await start()
    await onRow(await time(name, once, { ready, samples: times, warmUp: Math.ceil(times / 4), operations: 1 }))
    await stop()
  }
}

/** Calls that are timed each by itself: fifty of them are beyond p99.9. */
const SINGLE_CALLS = 50_000

export function timeOneByOne(call: (i: number) => void): Percentiles {
  const readings = new Float64Array(SINGLE_CALLS)
  // Read twice: the first time through, the loop is not compiled yet for this call.
  readInto(readings, call)
  readInto(readings, call)
  return percentilesOf([readings])
}

/** Calls in a sample: a batch, or as many as take 4 ms. What takes microseconds is not waited for longer than the rest. */
function callsOf(batch: Batch): number {
  return Math.max(BATCH / 100, Math.min(BATCH, callsWithin(batch, 4)))
}

/** How many calls take so many milliseconds: by the fastest hundred of those that fit into a fiftieth of a second, for the first are not compiled yet. */
export function callsWithin(batch: Batch, ms: number): number {
  const few = BATCH / 100
  const begun = performance.now()
  let least = Number.POSITIVE_INFINITY
  for (let since = begun; since - begun < 20 || least === Number.POSITIVE_INFINITY; ) {
    batch(few)
    const now = performance.now()
    least = Math.min(least, now - since)
    since = now
  }
  return Math.ceil((ms * few) / least)
}

interface Timing {
  ready?: (() => Promise<void>) | undefined
  samples: number
  warmUp: number
  operations: number
}

async function time(
  name: string,
  sample: () => void | Promise<void>,
  { ready, samples, warmUp, operations }: Timing,
): Promise<Row> {
  const bench = new Bench({ time: 0, iterations: samples, warmupTime: 0, warmupIterations: warmUp, throws: true })
  bench.add(name, sample, ready === undefined ? {} : { beforeEach: ready })
  const [task] = await bench.run()
  const result = task.result
  if (result === undefined || !('latency' in result)) throw new Error(`Cannot measure ${name}: ${result?.state}`)
  const { latency } = result
  const perOperation = 1e6 / operations
  return {
    name,
    nsMedian: latency.p50 * perOperation,
    nsP99: latency.p99 * perOperation,
    spreadPercent: latency.rme,
    samples: latency.samplesCount ?? samples,
  }
}

/** The line every figure stands under. */
export function machineLine(): string {
  const all = cpus()
  return `${all[0]?.model.trim() ?? 'unknown cpu'}, ${all.length} cores, Node ${process.version}, ${process.platform} ${process.arch}`
}
