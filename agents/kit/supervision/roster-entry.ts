import type { OnParentDeath, Restart } from './supervision-tree.ts'

/** An agent of the roster. */
export interface RosterEntry {
  /** The name its definition has. */
  readonly name: string
  /** href of the module that exports it as its default. */
  readonly module: string
  /** Restarted: always; only when it ended by a fault; never. One that is not permanent has a thread of its own. */
  readonly restart: Restart
  /** Agents of one group share a thread unless told otherwise, and are given up together. Default: its name. */
  readonly group?: string
  /** An agent before it in the roster that it belongs to. It then has a thread of its own. */
  readonly parent?: string
  /**
   * What becomes of it while its parent is down: it stops until that is back (the default), goes on, or goes on and is told by
   * the signal `signalbox.parent.lost`. Goes on: the log tells of it.
   */
  readonly onParentDeath?: OnParentDeath
}
