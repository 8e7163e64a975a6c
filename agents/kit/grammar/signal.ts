import { type LogLevel, SignalboxError } from '../../../engine/writer.ts'
import { type Schema, trusted, trusts } from './schema.ts'

/** Something that happened, in the form of CloudEvents 1.0; plain data that any thread can read. */
export interface Signal<Type extends string = string, Body = unknown> {
  /** Unique, and later signals of one source have greater ids (UUID version 7). */
  readonly id: string
  readonly specversion: '1.0'
  /** `signalbox.<noun>.<past participle>`, lower case. */
  readonly type: Type
  /** Who says it: `/signalbox/agents/<name>`; of another node `/signalbox/nodes/<node>/agents/<name>`. */
  readonly source: string
  /** What it is about: an endpoint as `service/id`, a service by its name. */
  readonly subject?: string
  /** Wall clock, RFC 3339. For people: nothing is decided by it. */
  readonly time: string
  readonly data: Body
  /** Id of the signal that this one follows from; of an answer, that of the question. */
  readonly causationid?: string
  /** Where it is part of a trace: W3C Trace Context. What follows from it carries the same trace on. */
  readonly traceparent?: string
}

/** A signal before it is stamped with id, source, time and cause: what `SignalKind.of` makes and directives take. */
export interface Draft<Type extends string = string, Body = unknown> {
  readonly type: Type
  readonly subject?: string
  readonly data: Body
  /** The node whose agents it is for, and no others; of a kind that reaches other nodes. Left out: this one and all of them. */
  readonly to?: string
}

/** What gives way where there is no room for a signal on its way to an agent. */
export type Overflow =
  /** The oldest of its kind, or of telemetry: a later reading says more than an earlier one. */
  | 'drop-oldest'
  /** It itself: what waits already has been promised a hearing. It becomes a dead letter, and who asked is told. */
  | 'reject'

/**
 * How far a signal goes. `node`: to the agents here. `cluster`: also to those of other nodes that name its kind among what they listen
 * to, from where it is emitted and from nowhere else: nobody passes it on. It may be lost on the way, and is then lost for good.
 */
export type Reach = 'node' | 'cluster'

/** A kind of signal: makes drafts of it and recognises it. What it carries follows from its type. */
export interface SignalKind<Type extends string = string, Body = unknown> {
  readonly type: Type
  /** Checks what it carries where it comes from outside the process, and facts also where they come from another thread. */
  readonly data: Schema<Body>
  /**
   * Telemetry is one reading of many: the first thing to be dropped when there is no room on the way to another agent.
   * Anything else is a fact: dropped last, and told to whoever reads the log.
   */
  readonly isTelemetry: boolean
  /** Of the line of the log that each fact gets. */
  readonly level: LogLevel
  /** What gives way when a mailbox of 1,024 signals of others is full. */
  readonly overflow: Overflow
  /** Whether agents of other nodes hear it as well, where there are any. */
  readonly reach: Reach
  /** The type of the question that it answers; who has not asked that, or no longer waits, does not hear it. */
  readonly answers: string | undefined
  /** Makes a draft, which says nothing to anybody until a directive does. It checks nothing: the compiler does, and whoever hears it. */
  of(body: Body, subject?: string): Draft<Type, Body>
  /** Whether a signal is of this kind, and what it carries then. */
  is(signal: Signal): signal is Signal<Type, Body>
}

// biome-ignore lint/suspicious/noExplicitAny: kinds make and take bodies, so no one type is above all kinds
export type AnySignalKind = SignalKind<any, any>

/** The signals of some kinds: of each, its type says what it carries. */
export type SignalOf<Kind> = Kind extends SignalKind<infer Type, infer Body> ? Signal<Type, Body> : never

export interface SignalOptions<Body> {
  /** What it carries. `trusted<Body>()`: it never comes from outside, and only its type is known. */
  readonly data: Schema<Body>
  /** One reading of many. Default: a fact. */
  readonly telemetry?: boolean
  /** Of the line of the log that each gets. Default: info. */
  readonly level?: LogLevel
  /** Default: `drop-oldest`, of telemetry as of facts; `reject` is for what somebody waits to have carried out. */
  readonly overflow?: Overflow
  /** Default: `node`. What reaches the cluster is checked where it arrives, telemetry too, so that its `data` is a schema. */
  readonly reach?: Reach
  /** The kind of question that it answers. */
  readonly answers?: AnySignalKind
}

/** Noun and participle may be of several words: `signalbox.endpoint.health-changed`. */
const TYPE = /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*){2,}$/

/**
 * Declares a kind of signal; its type says what it carries, wherever it is heard.
 *
 *   const ejected = defineSignal('acme.endpoint.ejected', { data: z.object({ id: z.string() }) })
 *
 * Without `data` it carries null. What it carries must survive a structured clone. Throws SBX_AGENT_INVALID when the type is not
 * lower-case words joined by at least two dots, or it reaches other nodes and nothing checks what it carries.
 */
export function defineSignal<const Type extends string, Body = null>(
  type: Type,
  options: Partial<SignalOptions<Body>> = {},
): SignalKind<Type, Body> {
  const { data = trusted<Body>(), telemetry = false, level = 'info', overflow = 'drop-oldest' } = options
  const { reach = 'node', answers } = options
  if (!TYPE.test(type)) {
    throw new SignalboxError(
      'SBX_AGENT_INVALID',
      `Cannot define signal ${JSON.stringify(type)}: it is not <area>.<noun>.<past participle> in lower case, ` +
        'write something like "signalbox.endpoint.ejected"',
    )
  }
  if (reach === 'cluster' && trusts(data)) {
    throw new SignalboxError(
      'SBX_AGENT_INVALID',
      `Cannot define signal ${JSON.stringify(type)}: it reaches other nodes and nothing checks what it carries, give it a schema`,
    )
  }
  return Object.freeze({
    type,
    data,
    isTelemetry: telemetry,
    level,
    overflow,
    reach,
    answers: answers?.type,
    of: (body: Body, subject?: string): Draft<Type, Body> =>
      subject === undefined ? { type, data: body } : { type, subject, data: body },
    is: (signal: Signal): signal is Signal<Type, Body> => signal.type === type,
  })
}

/** The draft, for the agents of one node alone; its kind is one that reaches the cluster. */
export function toNode<Type extends string, Body>(node: string, draft: Draft<Type, Body>): Draft<Type, Body> {
  return { ...draft, to: node }
}
