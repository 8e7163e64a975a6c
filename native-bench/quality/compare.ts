import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { type Contender, contenderOf } from './contender.ts'
import type { Trial } from './live-trial.ts'
import { type Point, pointsOf } from './scenario/scenario.ts'
import type { ScenarioText } from './scenario/schema.ts'
import { type Course, quantileOf } from './world/course.ts'

/** How one contender fared at one point of the sweep, with each seed. */
export interface Result {
  readonly contender: Contender
  readonly point: Point
  readonly courses: readonly Course[]
}

export interface CompareOptions {
  /** How many seeds, and the first. Defaults: those of the scenario, 1. */
  readonly seeds?: number | undefined
  readonly firstSeed?: number | undefined
  /** Threads it may use. Default: as many as there are cores. */
  readonly threads?: number | undefined
  readonly onProgress?: (done: number, of: number, what: string) => void
}

/** Every contender meets the same course of events, seed by seed and point by point; by as many threads as there are cores. */
export async function compare(text: ScenarioText, options: CompareOptions = {}): Promise<Result[]> {
  const { seeds = text.seeds, firstSeed = 1, threads = availableParallelism(), onProgress } = options
  const points = pointsOf(text)
  const numbers = Array.from({ length: seeds }, (_, i) => firstSeed + i)
  const pool = new Piscina<Trial, Course>({
    filename: fileURLToPath(new URL('./live-trial.js', import.meta.url)),
    ...{ minThreads: 1, maxThreads: threads, idleTimeout: 1000 },
    // A thousand nodes have tables each; what is left of the last run is collected late.
    resourceLimits: { maxOldGenerationSizeMb: 2048 },
  })
  let done = 0
  try {
    const of = text.contenders.length * points.length * seeds
    const results = text.contenders.flatMap(contender =>
      points.map(async (point): Promise<Result> => {
        const own = contenderOf(contender)
        const scenario = { ...point.scenario, fleet: { ...point.scenario.fleet, ...own.fleet } }
        const courses = numbers.map(async seed => {
          const course = await pool.run({ scenario, contender, seed })
          onProgress?.(++done, of, [own.label, point.label].filter(part => part !== '').join(' at '))
          return course
        })
        return { contender: own, point, courses: await Promise.all(courses) }
      }),
    )
    return await Promise.all(results)
  } finally {
    await pool.destroy()
  }
}

/** The one in the middle over the seeds. */
export function medianOf(courses: readonly Course[], figureOf: (course: Course) => number): number {
  const sorted = courses.map(figureOf).sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export const FIGURES: readonly { readonly name: string; readonly of: (course: Course) => number }[] = [
  { name: 'mean', of: course => course.meanMs },
  ...([0.5, 0.9, 0.99, 0.999] as const).map(share => ({
    name: `p${Number((share * 100).toPrecision(4))}`,
    of: (course: Course) => quantileOf(course, share),
  })),
]

/** Share of requests that went well. */
export function successOf({ requests, failed }: Course): number {
  return 1 - failed / requests
}
