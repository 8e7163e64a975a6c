import { POLICIES } from '../../engine/policies/registry.ts'
import type { Contest, Contestant, Side } from '../contest.ts'
import type { Group } from '../suite.ts'
import { drawThreads } from './drawn.ts'
import { type Load, PickThreads } from './pick-threads.ts'

const THREADS = [1, 2, 4, 8, 16]
const PUBLICATIONS = 1000
const NOTHING_PUBLISHED = Number.NaN
const ROUNDS = { rounds: 7, warmUp: 2 }

/** What people wait for: one number of endpoints, and publications while one thread picks and while all do. */
export const load: Group = loadOf(
  'load',
  'what more threads, and publications, do to a pick; of 16 endpoints',
  [16],
  [1, 16],
)

/** All of it. */
export const matrix: Group = {
  ...loadOf('matrix', 'the same, of 4, 64, 1,024 and 10,000 endpoints', [4, 64, 1024, 10_000], THREADS),
  isLong: true,
}

function loadOf(name: string, summary: string, endpoints: readonly number[], published: readonly number[]): Group {
  const contests = POLICIES.flatMap(({ name: policy }) =>
    endpoints.flatMap(each => [
      byThreads(policy, each),
      ...published.map(threads => byPublications(policy, each, threads)),
    ]),
  )
  return { name, summary, contests, plots: drawThreads }
}

/**
 * What a pick with its settle takes of the processor by the number of threads that do so at once. Time on the clock says nothing where there
 * are more threads than processors: then each waits for the others. Single picks are timed by the clock all the same: they are so short that
 * the kernel takes the processor away in one of some thousand, beyond p99.
 */
function byThreads(policy: string, endpoints: number): Contest {
  return contestOf(`threads/${policy}/${endpoints}`, policy, endpoints, Math.max(...THREADS), {
    figures: [
      { name: 'cpu', unit: 'ns' },
      { name: 'p50', unit: 'ns' },
      { name: 'p99', unit: 'ns' },
      { name: 'p99.9', unit: 'ns' },
    ],
    sides: THREADS.map(threads => ({
      name: threads === 1 ? '1 thread' : `${threads} threads`,
      turn: async picking => figuresOf(await picking.turn(threads)),
    })),
  })
}

function figuresOf({ cpuNs, p50, p99, p999 }: Load): number[] {
  return [cpuNs, p50, p99, p999]
}

/** What single picks take, of so many threads, while nothing is published and while a thousand publications are made each second. */
function byPublications(policy: string, endpoints: number, threads: number): Contest {
  return contestOf(`publications/${policy}/${endpoints}/threads ${threads}`, policy, endpoints, threads, {
    figures: [
      { name: 'p99', unit: 'ns' },
      { name: 'p50', unit: 'ns' },
      { name: 'p99.9', unit: 'ns' },
      { name: 'cpu', unit: 'ns' },
      { name: 'publications', unit: '/s' },
    ],
    sides: [
      {
        name: 'quiet',
        async turn(picking) {
          const { cpuNs, p50, p99, p999 } = await picking.turn(threads)
          return [p99, p50, p999, cpuNs, NOTHING_PUBLISHED]
        },
      },
      {
        name: `${PUBLICATIONS.toLocaleString('en')} a second`,
        async turn(picking) {
          const { cpuNs, p50, p99, p999, publications } = await picking.turnPublished(threads)
          return [p99, p50, p999, cpuNs, publications]
        },
      },
    ],
  })
}

interface Turns extends Pick<Contest, 'figures'> {
  readonly sides: readonly { readonly name: string; turn(picking: PickThreads): Promise<readonly number[]> }[]
}

/** All sides are the same threads, or the first of them: the first side starts them, and ends them when it is closed, last of all. */
function contestOf(
  name: string,
  policy: string,
  endpoints: number,
  threads: number,
  { figures, sides }: Turns,
): Contest {
  let picking: PickThreads | undefined
  const sideOf = ({ name: side, turn }: Turns['sides'][number], i: number): Side => ({
    name: side,
    async begin(): Promise<Contestant> {
      if (i === 0) picking = await PickThreads.begin(policy, endpoints, threads, PUBLICATIONS)
      const own = picking!
      return { turn: () => turn(own), close: async () => (i === 0 ? own.close() : undefined) }
    },
  })
  return { name, figures, ...ROUNDS, sides: sides.map(sideOf) }
}
