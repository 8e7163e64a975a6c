import { cpus } from 'node:os'
import { Bench } from 'tinybench'

/** One measured row. Nanoseconds per operation; the null (an empty call in the same batch) is subtracted nowhere, but shown. */
export interface Row {
  name: string
  nsMedian: number
  nsP99: number
  spreadPercent: number
  samples: number
}

/** A thing to measure: `batch(n)` does it n times. A single call is far below what a timer can see. */
export interface Subject {
  name: string
  batch: (times: number) => void
}

/** Operations per timed sample: at 20 ns each a sample is 200 µs, four thousand times the cost of the timer. */
export const BATCH = 10_000
const SAMPLES = 200
const WARM_UP = 50

/** Measures subjects one after the other, and each of them again in a second round, so that drift shows as spread. */
export async function measure(
  subjects: readonly Subject[],
  onProgress: (done: number, of: number) => void,
): Promise<Row[]> {
  const rows: Row[] = []
  let done = 0
  for (const subject of subjects) {
    const bench = new Bench({ time: 0, iterations: SAMPLES, warmupTime: 0, warmupIterations: WARM_UP })
    bench.add(subject.name, () => subject.batch(BATCH))
    const [task] = await bench.run()
    const result = task.result
    if (result === undefined || !('latency' in result))
      throw new Error(`Cannot measure ${subject.name}: ${result?.state}`)
    const { latency } = result
    const perOperation = 1e6 / BATCH
    rows.push({
      name: subject.name,
      nsMedian: latency.p50 * perOperation,
      nsP99: latency.p99 * perOperation,
      spreadPercent: latency.rme,
      samples: latency.samplesCount ?? SAMPLES,
    })
    onProgress(++done, subjects.length)
  }
  return rows
}

/** The line every figure stands under. */
export function machineLine(): string {
  const all = cpus()
  return `${all[0]?.model.trim() ?? 'unknown cpu'}, ${all.length} cores, Node ${process.version}, ${process.platform} ${process.arch}`
}
