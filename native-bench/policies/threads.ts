import { POLICIES } from '../../engine/policies/registry.ts'
import type { Contest, Side } from '../contest.ts'
import type { Group } from '../suite.ts'
import { drawThreads } from './drawn.ts'
import { type Load, PickThreads } from './pick-threads.ts'

const PUBLICATIONS = 1000
const NOTHING_PUBLISHED = Number.NaN

/** By how much it is measured. */
interface Span {
  readonly endpoints: readonly number[]
  readonly threads: readonly number[]
  /** Numbers of threads that are published to as well. */
  readonly published: readonly number[]
  readonly rounds: number
}

const ALL = [1, 2, 4, 8, 16]

/** The two ends of it, of one number of endpoints: what people wait for. */
export const load: Group = {
  name: 'load',
  summary: 'what more threads, and publications, do to a pick of 16',
  ...contestsOf({ endpoints: [16], threads: [1, 4, 16], published: [1], rounds: 9 }),
}

export const matrix: Group = {
  name: 'matrix',
  summary: 'the same of 4 to 10,000, with up to 16 threads',
  isLong: true,
  // Half an hour as it is.
  ...contestsOf({ endpoints: [4, 64, 1024, 10_000], threads: ALL, published: ALL, rounds: 5 }),
}

function contestsOf({ endpoints, threads, published, rounds }: Span): Pick<Group, 'contests' | 'plots'> {
  const contests = POLICIES.flatMap(({ name: policy }) =>
    endpoints.flatMap(each => [
      { ...byThreads(policy, each, threads), rounds },
      ...published.map(count => ({ ...byPublications(policy, each, count), rounds })),
    ]),
  )
  return { contests, plots: drawThreads }
}

/**
 * What a pick with its settle takes of the processor by the number of threads that do so at once. Time on the clock says nothing where there
 * are more threads than processors: then each waits for the others. Single picks are timed by the clock all the same: they are so short that
 * the kernel takes the processor away in one of some thousand, beyond p99.
 */
function byThreads(policy: string, endpoints: number, counts: readonly number[]): Omit<Contest, 'rounds'> {
  return {
    name: `threads/${policy}/${endpoints}`,
    figures: [
      { name: 'cpu', unit: 'ns' },
      { name: 'p50', unit: 'ns' },
      { name: 'p99', unit: 'ns' },
      { name: 'p99.9', unit: 'ns' },
    ],
    warmUp: 1,
    sides: counts.map(
      (threads): Side => ({
        name: threads === 1 ? '1 thread' : `${threads} threads`,
        async begin() {
          const picking = await PickThreads.begin(policy, endpoints, threads, 0)
          return { turn: async () => figuresOf(await picking.turn()), close: () => picking.close() }
        },
      }),
    ),
  }
}

function figuresOf({ cpuNs, p50, p99, p999 }: Load): number[] {
  return [cpuNs, p50, p99, p999]
}

/**
 * What single picks take, of so many threads, while nothing is published and while a thousand publications are made each second: by the same
 * threads, which the first side begins, and closes, last of all.
 */
function byPublications(policy: string, endpoints: number, threads: number): Omit<Contest, 'rounds'> {
  let picking: PickThreads
  return {
    name: `publications/${policy}/${endpoints}/threads ${threads}`,
    figures: [
      { name: 'p99', unit: 'ns' },
      { name: 'p50', unit: 'ns' },
      { name: 'p99.9', unit: 'ns' },
      { name: 'cpu', unit: 'ns' },
      { name: 'publications', unit: '/s' },
    ],
    warmUp: 1,
    sides: [
      {
        name: 'quiet',
        async begin() {
          const own = await PickThreads.begin(policy, endpoints, threads, PUBLICATIONS)
          picking = own
          return { turn: async () => figuresByP99(await own.turn(), NOTHING_PUBLISHED), close: () => own.close() }
        },
      },
      {
        name: `${PUBLICATIONS.toLocaleString('en')} a second`,
        begin: async () => ({
          async turn() {
            const load = await picking.turnPublished()
            return figuresByP99(load, load.publications)
          },
          close: async () => {},
        }),
      },
    ],
  }
}

function figuresByP99({ cpuNs, p50, p99, p999 }: Load, publications: number): number[] {
  return [p99, p50, p999, cpuNs, publications]
}
