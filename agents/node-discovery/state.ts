import type { Config } from '../../engine/writer.ts'
import type { Finds } from './finds.ts'
import type { Neighbourhood } from './neighbourhood.ts'
import type { Rounds } from './rounds.ts'

export interface State {
  readonly config: Config
  readonly finds: Finds
  readonly neighbourhood: Neighbourhood
  readonly rounds: Rounds
  /** By service: what is written down and was not reached when it was tried last. */
  readonly missed: ReadonlyMap<string, readonly string[]>
  readonly syncs: number
  /** How often the times of what is done at intervals have changed. */
  readonly pace: number
}
