import { build, type Histogram } from 'hdr-histogram-js'
import type { Contest, Side } from '../../contest.ts'
import type { Group } from '../../suite.ts'
import type { Means, News } from './news.ts'
import { PublicationCourse } from './publication-course.ts'

/** News of a turn: ten of them are beyond its p99. */
const FLIPS = 1000
/** The longest that is told apart, ns. */
const LONGEST_NS = 1e9

/**
 * From a write in one thread to the first pick of another that goes by it. That other thread picks without pause, so this is the write, the
 * way from cache to cache, and a turn of its loop with two looks at the clock: a thread that waits for sockets goes by it when it picks next.
 * A message is heard by a thread that has nothing else to do; or it is looked for after each pick.
 */
export const publicationGroup: Group = {
  name: 'publication',
  summary: 'from a write of one thread to the first pick of another that goes by it',
  contests: [contest('bar', 'an endpoint barred, or let in'), contest('endpoint', 'an endpoint added, or removed')],
}

function contest(news: News, name: string): Contest {
  return {
    name: `publication/${name}`,
    figures: [
      { name: 'median', unit: 'ns' },
      { name: 'p99', unit: 'ns' },
      { name: 'the write', unit: 'ns' },
    ],
    rounds: 20,
    warmUp: 3,
    sides: [
      side('signalbox', news, 'memory'),
      side('MessagePort', news, 'message'),
      side('MessagePort, polled', news, 'polled message'),
    ],
  }
}

function side(name: string, news: News, means: Means): Side {
  return {
    name,
    async begin() {
      const course = await PublicationCourse.begin(news, means)
      return {
        async turn() {
          const { seenNs, writesNs } = await course.tell(FLIPS)
          const seen = histogramOf(seenNs)
          return [
            seen.getValueAtPercentile(50),
            seen.getValueAtPercentile(99),
            histogramOf(writesNs).getValueAtPercentile(50),
          ]
        },
        close: () => course.close(),
      }
    },
  }
}

function histogramOf(values: Float64Array): Histogram {
  const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: LONGEST_NS })
  for (const ns of values) histogram.recordValue(Math.min(LONGEST_NS, Math.max(1, ns)))
  return histogram
}
