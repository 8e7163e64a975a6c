import type { Doing } from '../run/pace.ts'
import type { Edge } from './action.ts'
import type { Setup } from './agent.ts'
import type { Draft, Signal, SignalKind } from './signal.ts'

/** The outside world, and the agent itself. */
export interface AgentEdge extends Edge {
  /** How this agent has been doing since this was last asked, which its membership does now and then. */
  self(): Doing
}

/** The same as a sensor gets it. */
export interface SensorEdge extends AgentEdge {
  /** What whoever has the sensor knows now, the agent or a skill of it: for one that looks inward. Read it, and keep nothing of it. */
  knows(): unknown
}

/** What a sensor made of a reading: what it remembers, what it says, and when it is to look again if not as usual. */
export interface Percept<Memory, Type extends string, Body> {
  readonly memory: Memory
  readonly readings: readonly Draft<Type, Body>[]
  readonly nextMs?: number
}

/**
 * Something an agent perceives by: it looks at the world on a schedule and says what it saw. Looking is at the edge, making sense of
 * it is pure.
 *
 *   every so often ──▶ read(edge) ──▶ perceive(memory, what was read, now) ──▶ memory · readings ──▶ the agent and its skills
 *
 * Looks never overlap: the next one is due so long after the one before has ended. One that fails is counted and told as
 * `sensorFailed` to an agent that listens to that; the schedule goes on.
 */
export interface Sensor<Raw, Memory, Type extends string = string, Body = unknown> {
  readonly name: string
  /** The kind of its readings. They go to others too where the agent lists it under `emits`. */
  readonly emits: SignalKind<Type, Body>
  /** From the end of one look to the next, in ms, and by how much either way, by the dice. The first look comes at once. */
  readonly everyMs: number
  readonly spreadMs: number
  /** A look that takes longer has failed, in ms. */
  readonly timeoutMs: number
  /** It looks at what is outside the process: in virtual time it does not, unless a test says what it sees. */
  readonly isOutside: boolean
  /** What it remembers before the first look. */
  start(setup: Setup): Memory
  /** Looks, at once or by promise. What it throws is a failed look; `edge.signal` is aborted when nobody waits for it any more. */
  read(edge: SensorEdge): Raw | Promise<Raw>
  /** Makes sense of what was read, pure. */
  perceive(memory: Memory, raw: Raw, now: number): Percept<Memory, Type, Body>
}

// biome-ignore lint/suspicious/noExplicitAny: what is read and remembered is the sensor's own affair
export type AnySensor = Sensor<any, any, any, any>

/** The signals that readings of some sensors are. */
export type ReadingOf<S> =
  S extends Sensor<infer _Raw, infer _Memory, infer Type, infer Body> ? Signal<Type, Body> : never

const TIMEOUT_MS = 30_000

/** A sensor as it is declared. What its readings carry follows from `emits`. */
export interface SensorDefinition<Raw, Memory, Type extends string, Body>
  extends Omit<Sensor<Raw, Memory, Type, Body>, 'spreadMs' | 'timeoutMs' | 'isOutside' | 'perceive'> {
  /** By how much the time to the next look is longer or shorter at most, in ms. Default: 0. */
  readonly spreadMs?: number
  /** A look that takes longer has failed, in ms. Default: 30,000. */
  readonly timeoutMs?: number
  /** It looks at what is outside the process. Default: false. */
  readonly isOutside?: boolean
  /** Makes sense of a look, pure: readings go out in order, and `nextMs` is for the next look only. What it throws ends the thread. */
  perceive(memory: Memory, raw: Raw, now: number): Percept<Memory, NoInfer<Type>, NoInfer<Body>>
}

/**
 * Declares a sensor. Its name is unique in its agent, or skill. Left out: no spread, and a look may take 30 s. Write `read` before
 * `perceive`, and TypeScript knows what that gets.
 */
export function defineSensor<Raw, Memory, const Type extends string, Body>({
  spreadMs = 0,
  timeoutMs = TIMEOUT_MS,
  isOutside = false,
  ...sensor
}: SensorDefinition<Raw, Memory, Type, Body>): Sensor<Raw, Memory, Type, Body> {
  return Object.freeze({ ...sensor, spreadMs, timeoutMs, isOutside })
}
