import { SignalboxError } from '../../engine/writer.ts'

/** Something that happened, in the form of CloudEvents 1.0; plain data that any thread can read. */
export interface Signal<Body = unknown> {
  /** Unique, and later signals of one source have greater ids (UUID version 7). */
  readonly id: string
  readonly specversion: '1.0'
  /** `signalbox.<noun>.<past participle>`, lower case. */
  readonly type: string
  /** Who says it: `/signalbox/agents/<name>`. */
  readonly source: string
  /** What it is about: an endpoint as `service/id`, a service by its name. */
  readonly subject?: string
  /** Wall clock, RFC 3339. For people: nothing is decided by it. */
  readonly time: string
  readonly data: Body
  /** Id of the signal that this one follows from. */
  readonly causationId?: string
}

/** A signal before the runner has stamped it. */
export interface Draft<Body = unknown> {
  readonly type: string
  readonly subject?: string
  readonly data: Body
}

/** A kind of signal: makes drafts of it and recognises it. */
export interface SignalKind<Body> {
  readonly type: string
  /**
   * Telemetry is one reading of many: the first thing to be dropped when there is no room on the way to another agent.
   * Anything else is a fact: dropped last, and told to whoever reads the log.
   */
  readonly isTelemetry: boolean
  of(body: Body, subject?: string): Draft<Body>
  is(signal: Signal): signal is Signal<Body>
}

/** Noun and participle may be of several words: `signalbox.endpoint.health-changed`. */
const TYPE = /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*){2,}$/

/**
 * Declares a kind of signal. What it carries must survive a structured clone.
 *
 * Throws SBX_AGENT_INVALID when the type is not lower-case words joined by at least two dots.
 */
export function defineSignal<Body>(type: string, options: { telemetry?: boolean } = {}): SignalKind<Body> {
  if (!TYPE.test(type)) {
    throw new SignalboxError(
      'SBX_AGENT_INVALID',
      `Cannot define signal ${JSON.stringify(type)}: it is not <area>.<noun>.<past participle> in lower case, ` +
        'write something like "signalbox.endpoint.ejected"',
    )
  }
  return Object.freeze({
    type,
    isTelemetry: options.telemetry ?? false,
    of: (body: Body, subject?: string): Draft<Body> =>
      subject === undefined ? { type, data: body } : { type, subject, data: body },
    is: (signal: Signal): signal is Signal<Body> => signal.type === type,
  })
}
