import { elapsedMs, SignalboxError } from '../../../engine/writer.ts'
import { strayed } from '../dice.ts'
import type { Setup } from '../grammar/agent.ts'
import type { Act, Ask, Emit, Schedule, Tell, WriteEndpoint, WriteService } from '../grammar/directive.ts'
import { actionFailed, asked, sensorFailed, unanswered } from '../grammar/own-signals.ts'
import type { AgentEdge, AnySensor } from '../grammar/sensor.ts'
import type { Draft, Signal } from '../grammar/signal.ts'
import { HERE, nodeOf } from '../grammar/source.ts'
import { Attempts } from './attempts.ts'
import type { Mind } from './mind.ts'
import type { Pace } from './pace.ts'
import type { Ports } from './ports.ts'
import { Questions } from './questions.ts'
import { Sense } from './senses.ts'
import { Stamp } from './stamp.ts'
import type { Timers } from './timers.ts'
import { Trail } from './trail.ts'

/** Whose directives are performed, as the performer needs to know. */
export interface Principal {
  readonly name: string
  readonly edge: AgentEdge
  readonly timers: Timers
  readonly pace: Pace
  /** Signals that wait in its mailbox. */
  queued(): number
  /** Has it hear something of its own: by name, or by type whoever of it listens to that. */
  tell(signal: Signal, party?: string): void
  fail(error: unknown): void
}

/** Does what the minds of one agent want done, and brings back what came of it. */
export class Performer {
  readonly questions = new Questions()
  readonly #principal: Principal
  readonly #ports: Ports
  readonly #stamp: Stamp
  readonly #trail = new Trail()

  constructor(principal: Principal, ports: Ports) {
    this.#principal = principal
    this.#ports = ports
    this.#stamp = new Stamp(principal.name, ports.clock, ports.dice)
  }

  emit(mind: Mind, { draft, because }: Emit, cause: Signal | undefined): { signal: Signal; sentTo: number } {
    const kind = mind.emits.get(draft.type)
    if (kind === undefined)
      throw this.#invalid(`say ${draft.type}`, 'it is not among what it emits, list it under emits')
    if (draft.to !== undefined && kind.reach !== 'cluster')
      throw this.#invalid(
        `say ${draft.type} to node ${draft.to}`,
        'it stays on its node, define it with reach: "cluster"',
      )
    const signal = this.#stamp.signal(draft, because ?? cause)
    // An answer goes where the question came from.
    const to = draft.to ?? (because && (nodeOf(because.source) ?? HERE))
    const trail = kind.isTelemetry ? [] : this.#trail.of(because ?? cause)
    return { signal, sentTo: this.#ports.send(signal, kind, trail, to) }
  }

  tell(mind: Mind, { draft }: Tell, cause: Signal | undefined): void {
    this.#checkOwn(mind, 'tell itself', draft)
    this.#tell(draft, cause)
  }

  ask(mind: Mind, { draft, deadlineMs, about }: Ask, cause: Signal | undefined): void {
    const { signal, sentTo } = this.emit(mind, { kind: 'emit', draft }, cause)
    const { id, type } = signal
    const askedMs = this.#ports.clock.now()
    const cancel = this.#laterFor(mind, deadlineMs, () => {
      if (this.questions.takeSilent(id) === undefined) return
      const waitedMs = elapsedMs(this.#ports.clock.now(), askedMs)
      const queued = this.#principal.queued()
      this.#tell(
        unanswered.of({ question: id, type, waitedMs, sentTo, queued, hint: hintOf(sentTo, queued) }),
        cause,
        mind,
      )
    })
    this.questions.add({ id, party: mind.key, cancel })
    if (about !== undefined) this.#tell(asked.of({ question: id, about }), cause, mind)
  }

  schedule(mind: Mind, { delayMs, spreadMs, draft }: Schedule, cause: Signal | undefined): void {
    this.#checkOwn(mind, 'schedule', draft)
    // Who asks for spread wants the very moment; any other schedule may share a wake-up.
    const inMs = strayed(delayMs, spreadMs, this.#ports.dice)
    this.#laterFor(mind, inMs, () => this.#tell(draft, cause, mind), spreadMs === 0)
  }

  act(mind: Mind, { action: name, params }: Act, cause: Signal | undefined): void {
    const { edge, pace, fail } = this.#principal
    const action = mind.actions.get(name)
    if (action === undefined) throw this.#invalid('act', `it has no action "${name}", list it under actions`)
    new Attempts(action, params, edge, {
      onDone: result => this.#tell(action.done.of(result), cause, mind),
      onFailed: failure => {
        pace.failures++
        if (mind.hears(actionFailed.type))
          this.#tell(actionFailed.of({ action: name, params, ...failure }), cause, mind)
        else fail(new Error(`action ${name} has failed ${failure.attempts} times: ${failure.fault}`))
      },
      onBroken: fail,
    })
  }

  sense(mind: Mind, sensor: AnySensor, setup: Setup): void {
    const { edge, pace, fail } = this.#principal
    const read = this.#ports.look?.(sensor)
    if (read === null) return
    const sense = new Sense(read === undefined ? sensor : { ...sensor, read }, setup, edge, this.#ports.dice, {
      knows: () => mind.state,
      onReading: draft => {
        const kind = mind.emits.get(draft.type)
        const signal = this.#tell(draft, undefined)
        if (kind !== undefined) this.#ports.send(signal, kind, [], draft.to)
      },
      onFailed: failure => {
        pace.failures++
        if (mind.hears(sensorFailed.type)) this.#tell(sensorFailed.of(failure), undefined, mind)
      },
      onBroken: fail,
    })
    mind.keep(() => sense.close())
  }

  write(directive: WriteEndpoint | WriteService, cause: Signal | undefined): void {
    this.#ports.write(directive, this.#trail.of(cause))
  }

  /** Tells one of its minds, unless that has gone meanwhile; without one, whoever listens to it. */
  #tell(draft: Draft, cause: Signal | undefined, mind?: Mind): Signal {
    const signal = this.#stamp.signal(draft, cause)
    if (mind?.isGone === true) return signal
    this.#trail.add(signal)
    this.#principal.tell(signal, mind?.key)
    return signal
  }

  /** A timer that ends with who set it. */
  #laterFor(mind: Mind, delayMs: number, callback: () => void, isLoose = false): () => void {
    const due = (): void => {
      end()
      callback()
    }
    const end = mind.keep(this.#principal.timers.later(delayMs, due, isLoose))
    return end
  }

  #checkOwn({ own }: Mind, wish: string, { type }: Draft): void {
    if (own.has(type)) return
    throw this.#invalid(`${wish} ${type}`, 'it is not among what it tells itself, list it under own')
  }

  #invalid(what: string, state: string): SignalboxError {
    return new SignalboxError('SBX_AGENT_INVALID', `Cannot ${what} as ${this.#principal.name}: ${state}`)
  }
}

function hintOf(sentTo: number, queued: number): string {
  if (sentTo === 0) return 'no agent here listens to it: is the one that answers running?'
  if (queued > 0) return 'signals wait in the mailbox of who asked: the answer may be among them'
  return 'who listens to it has not answered: see its status for what it is busy with'
}
