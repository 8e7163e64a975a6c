import type { Config } from '../../../engine/writer.ts'
import type { Directive } from '../../kit/grammar/directive.ts'
import type { TablesView } from '../../kit/tables.ts'
import type { LoadForecast, Metrics, OperationName, OperationStatus } from '../../signals.ts'
import type { Session } from './session.ts'

/** What is known when an operation decides. */
export interface Sight {
  /** ms on the region's clock, which wraps. */
  readonly now: number
  /** Wall clock, in ms since 1970; for moments that people have named. */
  readonly wallMs: number
  readonly config: Config
  readonly tables: TablesView
  /** The last that were told, and the clock when; undefined: none were. */
  readonly metrics: { readonly figures: Metrics; readonly heardMs: number } | undefined
  /** What others of its kind that are under way have in memory. */
  readonly siblings: readonly unknown[]
  /** By service, the nearest horizon. */
  readonly forecasts: ReadonlyMap<string, LoadForecast>
}

export type Figures = Readonly<Record<string, string>>

/** What was asked for: options as text, by name. */
export interface Asked {
  readonly id: string
  readonly options: Figures
  readonly by: string
}

/** Something an operation has begun and that has come back. */
export type Returned =
  | { readonly kind: 'session'; readonly session: Session }
  | { readonly kind: 'hook'; readonly fault: string }
  | { readonly kind: 'edit'; readonly fault: string; readonly added: readonly string[] }

/** What a stage makes of a look. A memory goes on with the operation, whatever it does. */
export type Look<Memory> =
  | { readonly go: 'wait'; readonly memory?: Memory }
  | { readonly go: 'next'; readonly memory?: Memory }
  | { readonly go: Exclude<OperationStatus, 'running' | 'done'>; readonly because: string; readonly memory?: Memory }

/** One part of an operation. Said again, it comes to the same: another orchestrator may go on with it. */
export interface Stage<Memory> {
  readonly name: string
  /** From one look to the next, in ms. Left out: 1,000. */
  readonly everyMs?: number
  /** What is done when it begins. */
  enter?(memory: Memory, sight: Sight, asked: Asked): readonly Directive[]
  look(memory: Memory, sight: Sight, sinceMs: number): Look<Memory>
  /**
   * Takes back what it did, where a later stage, or it itself, fails. Each of these has an answer, by the key `undoKey(id)`: the operation
   * is over when all have come, and what is refused is said again.
   */
  undo?(memory: Memory, sight: Sight, asked: Asked): readonly Directive[]
}

/**
 * An operation: what it begins with, and its stages, all pure. `Memory` is plain data, so that it can be handed to another orchestrator.
 *
 *   begin ──▶ stage ── look: wait … next ──▶ stage ──▶ … ──▶ done
 *     │                  └── failed · aborted · rolled-back ──▶ undo of the stages that were entered, the last first, and its answers
 *     └── refused: nothing was done
 */
export interface Procedure<Memory> {
  readonly stages: readonly Stage<Memory>[]
  /** Whether another orchestrator goes on where this one was; if not, it ends as aborted. */
  readonly isResumed: boolean
  begin(
    asked: Asked,
    sight: Sight,
  ): { readonly memory: Memory; readonly before: Figures } | { readonly refusal: string }
  /** Endpoints that are to be kept out while this stage lasts, as `service/id`. */
  holds?(memory: Memory, stage: string): readonly string[]
  /** What something that has come back means to it. */
  take?(memory: Memory, returned: Returned): Memory
  /** What is true when it has ended. */
  after(memory: Memory, sight: Sight): Figures
}

// biome-ignore lint/suspicious/noExplicitAny: each operation has a memory of its own
export type AnyProcedure = Procedure<any>

/** Operations by name; one that is not among them is somebody else's. */
export type Procedures = Readonly<Partial<Record<OperationName, AnyProcedure>>>
