import type { Config } from '../../engine/writer.ts'
import { defineAgent, type Setup } from '../kit/grammar/agent.ts'
import { emit, type Step, stay } from '../kit/grammar/directive.ts'
import { appended } from '../kit/run/bounded.ts'
import { configChanged } from '../signals.ts'
import { digestOf } from './canonical.ts'
import { changesOf } from './changes.ts'

/** A config that is or was in force here. */
export interface Version {
  readonly version: number
  /** The clock when it was taken over, in ms. */
  readonly sinceMs: number
  readonly digest: string
  /** Against the one before it; none for the first that is known. */
  readonly changes: readonly string[]
}

export interface State {
  readonly config: Config
  /** The last ones, the one in force at the end. */
  readonly history: readonly Version[]
}

const HISTORY_MAX = 20

/**
 * Configuration manager: knows which config is in force here, since when, and what came before it.
 *
 *   file ─▶ box: read ─▶ judge ── refused: nobody hears of it, the version stays
 *                          └─ good ─▶ tables ─▶ agents, with the version ─▶ proxy threads
 *                                                 └─ this one tells of it
 *
 * Intuition  a config is good before it comes here: the box reads and judges it. What is missing then is a name for it that two
 *            nodes can compare (the digest), and a word about what is different.
 * listens    nothing: each config comes by its reload
 * emits      signalbox.config.changed
 * writes     nothing
 * never      tells a value of the config, for that may be a secret: names alone
 * reload     is what it lives on
 * restart    permanent; it goes on with the config and version in force, what was before them is forgotten
 */
export const configurationManager = defineAgent({
  name: 'configuration-manager',
  role: 'configuration-manager',
  emits: [configChanged],
  start,
  reload,
  decide: (state: State) => stay(state),
  describe: ({ history }) => ({ ...history.at(-1), history }),
})

export default configurationManager

function start({ config, configVersion, now }: Setup): Step<State> {
  return stay({
    config,
    history: [{ version: configVersion, sinceMs: now, digest: digestOf(config), changes: [] }],
  })
}

function reload({ config: before, history }: State, config: Config, now: number, version: number): Step<State> {
  const digest = digestOf(config)
  const changes = changesOf(before, config)
  return {
    state: { config, history: appended(history, { version, sinceMs: now, digest, changes }, HISTORY_MAX) },
    directives: [emit(configChanged.of({ version, digest, changes }))],
  }
}
