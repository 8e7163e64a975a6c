import { type Place, placesOf, type SupervisorSpec } from './supervision-tree.ts'
import { Turn } from './supervision-turn.ts'

/** What happens to a tree. */
export type TreeEvent =
  /** Starts the root. */
  | { readonly event: 'boot' }
  /** Stops everything for good, in reverse order. */
  | { readonly event: 'close' }
  /** A thread says that its agents have started. */
  | { readonly event: 'started'; readonly id: string }
  /** A thread is gone. */
  | { readonly event: 'ended'; readonly id: string; readonly isFault: boolean; readonly reason: string }
  /** A thread is to be ended at once: it hangs, or was killed. */
  | { readonly event: 'convicted'; readonly id: string; readonly reason: string }
  /** A thread is to be stopped, since it will end by a fault otherwise: it has failed. */
  | { readonly event: 'outgrown'; readonly id: string; readonly reason: string }
  /** A thread is to be stopped and started anew, and nothing has failed. */
  | { readonly event: 'renewed'; readonly id: string; readonly reason: string }
  /** Only time has passed. */
  | { readonly event: 'due' }

/** What is to be done, in this order. */
export type TreeOrder =
  | { readonly order: 'start'; readonly id: string }
  /** Ask the thread to end by itself. */
  | { readonly order: 'stop'; readonly id: string }
  /** End the thread wherever it is. */
  | { readonly order: 'end'; readonly id: string; readonly reason: string }
  /** The thread's agents live on without the one they belong to; with `isTold` they are to know. */
  | { readonly order: 'orphan'; readonly id: string; readonly parent: string; readonly isTold: boolean }
  | { readonly order: 'tell'; readonly tidings: Tidings }
  /** Everything runs for the first time. */
  | { readonly order: 'booted' }
  /** The first start came to nothing; what had started is stopped. */
  | { readonly order: 'boot-failed'; readonly id: string; readonly reason: string }
  /** Everything has stopped, after `close` or a boot that failed. */
  | { readonly order: 'closed' }

/** What whoever reads the log should know. */
export type Tidings =
  | { readonly what: 'restart'; readonly id: string; readonly reason: string; readonly delayMs: number }
  | { readonly what: 'renewal'; readonly id: string; readonly reason: string }
  | { readonly what: 'stays-down'; readonly id: string; readonly reason: string; readonly isFault: boolean }
  /** Without `restMs` the supervisor above goes on from here. */
  | { readonly what: 'gave-up'; readonly id: string; readonly reason: string; readonly restMs: number | undefined }
  | { readonly what: 'tried-again'; readonly id: string }
  | { readonly what: 'late-stop'; readonly id: string; readonly stopMsMax: number }

interface Child {
  /** What its supervisor wants; `down` until it and all that are to go with it are down. */
  want: 'up' | 'down'
  notBeforeMs: number
  /** Restarts since it was last healthy for long: the exponent of the back-off. */
  inRow: number
  startedMs: number
  /** Has run since its supervisor began: what ends before that is a failed start. */
  hasRun: boolean
  /** Has ended and is not to be restarted. */
  isDone: boolean
}

export interface ThreadNode extends Child {
  readonly kind: 'thread'
  phase: 'down' | 'starting' | 'running' | 'stopping' | 'ending'
  /** When `starting` or `stopping` takes too long. */
  deadlineMs: number
  /** Its end is what its supervisor asked for. */
  isOrdered: boolean
  /** Why it was ended, where it was. */
  reason: string | undefined
}

export interface SupervisorNode extends Child {
  readonly kind: 'supervisor'
  phase: 'down' | 'starting' | 'running' | 'stopping' | 'resting'
  /** Moments of restarts of its children within the window. */
  recent: readonly number[]
  restsInRow: number
  /** Why it gives up, where it does. */
  reason: string | undefined
  restMs: number
  restedMs: number
}

export type TreeNode = ThreadNode | SupervisorNode

/** A tree and how it stands. */
export interface Supervision {
  readonly root: SupervisorSpec
  readonly places: ReadonlyMap<string, Place>
  readonly nodes: ReadonlyMap<string, Readonly<TreeNode>>
  readonly stage: 'new' | 'booting' | 'up' | 'closing' | 'closed'
}

/** A tree of which nothing runs yet. */
export function plant(root: SupervisorSpec): Supervision {
  const places = placesOf(root)
  const nodes = new Map([...places].map(([id, { spec }]): [string, TreeNode] => [id, newNode(spec.kind)]))
  return { root, places, nodes, stage: 'new' }
}

/**
 * Decides what follows from an event: OTP's supervisors over threads. Pure: it reads no clock, throws no dice and touches nothing.
 *
 *               started            fault, exit, hang, kill              back-off
 *   starting ───────────▶ running ─────────────────────────▶ down ──────────────────▶ starting
 *                            │ its supervisor wants it down    ▲
 *                            └──▶ stopping ──▶ (ending) ───────┘          those that are to go with it stop first,
 *                                        too late                          the last started first
 *
 * A supervisor counts the restarts of its children; the one that is too many makes it give up: it stops its children in
 * reverse order, and then rests (10 s, longer each time) or fails as a child of the supervisor above.
 *
 * `nowMs` is a clock that never goes back, `die` a number from 0 to 1 for the jitter.
 *
 * Source      OTP design principles, supervisor behaviour.
 * Deviations  back-off between restarts; the root never gives up for good; an order to stop is not awaited by blocking, so
 *             what happens meanwhile is dealt with at once.
 */
export function step(
  state: Supervision,
  event: TreeEvent,
  nowMs: number,
  die: number,
): { state: Supervision; orders: TreeOrder[] } {
  const turn = new Turn(state, nowMs, die)
  turn.take(event)
  turn.settle()
  return turn.done()
}

/** When `due` has to be said next, or undefined while only events bring it on. `nowMs` is that of the last step. */
export function nextDueMs({ places, nodes }: Supervision, nowMs: number): number | undefined {
  let next: number | undefined
  const at = (ms: number): void => {
    if (ms > nowMs && (next === undefined || ms < next)) next = ms
  }
  for (const [id, node] of nodes) {
    if (node.kind === 'supervisor' && node.phase === 'resting') at(node.restedMs)
    if (node.kind === 'thread' && (node.phase === 'starting' || node.phase === 'stopping')) at(node.deadlineMs)
    const above = places.get(id)!.above
    if (above === undefined || node.phase !== 'down' || node.isDone) continue
    const { phase } = nodes.get(above.id)!
    if (phase === 'running' || phase === 'starting') at(node.notBeforeMs)
  }
  return next
}

function newNode(kind: TreeNode['kind']): TreeNode {
  const child: Child = { want: 'up', notBeforeMs: 0, inRow: 0, startedMs: 0, hasRun: false, isDone: false }
  return kind === 'thread'
    ? { ...child, kind, phase: 'down', deadlineMs: 0, isOrdered: false, reason: undefined }
    : { ...child, kind, phase: 'down', recent: [], restsInRow: 0, reason: undefined, restMs: 0, restedMs: 0 }
}
