import type { Config } from '../../engine/writer.ts'
import type { Bursts } from './burst.ts'
import type { Episode, ErrorShares } from './differential.ts'
import type { Outlier } from './ejection.ts'
import type { LatencyCounts } from './latency-counts.ts'
import type { Ledger } from './ledger.ts'
import type { WatchOptions } from './nodes/watch-state.ts'
import type { Sentence } from './sentence.ts'
import type { Drained } from './signals.ts'
import type { SilenceWatch } from './silence.ts'
import type { Suspect } from './suspect.ts'

/** What the failure detector knows of endpoints; of other nodes its skill does. */
export interface State {
  readonly services: Config['services']
  readonly seed: number
  /** Settings by index of service, as last seen in the tables. */
  readonly outliers: readonly (Outlier | undefined)[]
  /** By row. */
  readonly suspects: ReadonlyMap<number, Suspect>
  readonly sentences: ReadonlyMap<number, Sentence>
  /** Sums of the interval under way. Changed in place, see there. */
  readonly ledger: Ledger
  /** Latencies that were not told yet. Changed in place, see there. */
  readonly latencies: LatencyCounts
  /** Failures of the second under way, and shares of late. Changed in place, see there. */
  readonly bursts: Bursts
  readonly shares: ErrorShares
  /** By row: where checks and requests disagree. */
  readonly episodes: ReadonlyMap<number, Episode>
  /** How other nodes are watched, and who watches; undefined where there are none. */
  readonly nodes: Config['agents']['failure-detector']['nodes']
  readonly watch: Omit<WatchOptions, 'settings'> | undefined
  /** Who keeps requests waiting. Changed in place, see there. */
  readonly silences: SilenceWatch
  /** Services whose interval is over and whose endpoints are compared with the next look. */
  readonly due: ReadonlySet<string>
  /** By service whose endpoints are compared at intervals: the reload that began the intervals, 0 for the start. */
  readonly rounds: ReadonlyMap<string, number>
  readonly reloads: number
  /** What was drained since the last batch was sent. */
  readonly unsent: readonly (readonly Drained[])[]
  readonly ticks: number
}

/** How the endpoints of a service are judged; undefined: there is no such service any more. */
export function outlierOf({ services }: Pick<State, 'services'>, service: string): Outlier | undefined {
  return Object.hasOwn(services, service) ? services[service]?.outlier : undefined
}
