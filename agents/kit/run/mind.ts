import type { AnyAction } from '../grammar/action.ts'
import type { AnyAgent, Reload } from '../grammar/agent.ts'
import type { Step } from '../grammar/directive.ts'
import type { AnySensor } from '../grammar/sensor.ts'
import type { AnySignalKind, Signal } from '../grammar/signal.ts'
import type { AnyMounted, Interest, Slices } from '../grammar/skill.ts'

/** The key of the agent among its skills; no skill has it, for keys are words. */
export const AGENT = ''

interface Equipment {
  readonly listens: readonly Interest[]
  readonly overhears?: readonly Interest[]
  readonly own: readonly AnySignalKind[]
  readonly emits: readonly AnySignalKind[]
  readonly actions: readonly AnyAction[]
  readonly sensors: readonly AnySensor[]
}

/** One that decides within a runner: the agent itself, or one of its skills. It has a state, and what it has begun. */
export class Mind {
  readonly key: string
  readonly priority: number
  readonly decide: (state: unknown, signal: Signal, now: number, slices: Slices) => Step<unknown>
  readonly reload: Reload<unknown> | undefined
  /** What it is told by type: of others, and what its sensors read. Results, schedules and answers come to it by name. */
  readonly patterns: readonly string[]
  /** Of these, what it wants from others. */
  readonly wants: readonly string[]
  /** Kinds it knows what they carry of. */
  readonly kinds: readonly AnySignalKind[]
  /** What it hears also when another mind of its agent says it. */
  readonly overhears: ReadonlySet<string>
  readonly own: ReadonlySet<string>
  readonly emits: ReadonlyMap<string, AnySignalKind>
  readonly actions: ReadonlyMap<string, AnyAction>
  readonly sensors: readonly AnySensor[]
  state: unknown
  isGone = false
  readonly #ends = new Set<() => void>()

  private constructor(
    key: string,
    priority: number,
    { listens, overhears = [], own, emits, actions, sensors }: Equipment,
    decide: Mind['decide'],
    reload: Reload<unknown> | undefined,
  ) {
    this.key = key
    this.priority = priority
    this.decide = decide
    this.reload = reload
    const read = sensors.map(sensor => sensor.emits as AnySignalKind)
    this.kinds = [...listens.filter(interest => typeof interest !== 'string'), ...read]
    this.wants = listens.map(each => (typeof each === 'string' ? each : each.type))
    this.patterns = [...new Set([...this.wants, ...read.map(({ type }) => type)])]
    this.overhears = new Set(overhears.map(each => (typeof each === 'string' ? each : each.type)))
    this.own = new Set(own.map(({ type }) => type))
    this.emits = new Map(emits.map(kind => [kind.type, kind]))
    this.actions = new Map(actions.map(action => [action.name, action]))
    this.sensors = sensors
  }

  static ofAgent(agent: AnyAgent): Mind {
    return new Mind(AGENT, 0, agent, agent.decide, agent.reload)
  }

  static ofSkill(mounted: AnyMounted): Mind {
    return new Mind(mounted.key, mounted.priority, mounted, mounted.decide, mounted.reload)
  }

  hears(type: string): boolean {
    return this.kinds.some(kind => kind.type === type)
  }

  /** Ends this with it; returns the way to end it before. */
  keep(end: () => void): () => void {
    const once = (): void => {
      this.#ends.delete(once)
      end()
    }
    this.#ends.add(once)
    return once
  }

  close(): void {
    this.isGone = true
    for (const end of [...this.#ends]) end()
  }
}
