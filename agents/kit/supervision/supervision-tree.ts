/** Who is restarted when one of its siblings ends by a fault: it alone, those after it in order of start too, or all. */
export type Strategy = 'one-for-one' | 'rest-for-one' | 'one-for-all'

/** Restarted: always; only when it ended by a fault; never. */
export type Restart = 'permanent' | 'transient' | 'temporary'

/** What becomes of an agent while the one it belongs to is down: it stops until that is back, goes on, or goes on and is told. */
export type OnParentDeath = 'stop' | 'continue' | 'tell'

/** A thread of agents: the unit of supervision. */
export interface ThreadSpec {
  readonly kind: 'thread'
  /** Unique in the tree. */
  readonly id: string
  readonly restart: Restart
  /** How long it may take to stop by itself, in ms, before it is ended. */
  readonly stopMsMax: number
  /** The thread of the agent it belongs to, and what then. */
  readonly parent?: { readonly id: string; readonly onDeath: OnParentDeath }
}

/** A supervisor: children that start in order and stop in reverse, and how much failing is too much. */
export interface SupervisorSpec {
  readonly kind: 'supervisor'
  /** Unique in the tree. */
  readonly id: string
  readonly strategy: Strategy
  /** More than so many restarts … */
  readonly restarts: number
  /** … within so many ms, and it gives up. */
  readonly withinMs: number
  /** Longest wait before a restart, in ms. */
  readonly backOffMsMax: number
  /**
   * What it does when it gives up, its children stopped: `rest` a while and try again from the beginning, or `escalate`,
   * which is one failure of a child in the supervisor above. The root rests.
   */
  readonly onGiveUp: 'rest' | 'escalate'
  readonly children: readonly Spec[]
}

export type Spec = ThreadSpec | SupervisorSpec

/** A spec and the supervisor it is a child of; the root has none. */
export interface Place<S extends Spec = Spec> {
  readonly spec: S
  readonly above: SupervisorSpec | undefined
}

/** Every place of a tree by id, parents before their children, in order of start. */
export function placesOf(root: SupervisorSpec): Map<string, Place> {
  const places = new Map<string, Place>()
  const visit = (spec: Spec, above: SupervisorSpec | undefined): void => {
    places.set(spec.id, { spec, above })
    if (spec.kind === 'supervisor') for (const child of spec.children) visit(child, spec)
  }
  visit(root, undefined)
  return places
}
