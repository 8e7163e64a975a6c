import type { Clock } from '../clock.ts'
import type { Dice } from '../dice.ts'
import type { WriteEndpoint, WriteService } from '../grammar/directive.ts'
import type { AnySensor, SensorEdge } from '../grammar/sensor.ts'
import type { AnySignalKind, Signal } from '../grammar/signal.ts'

/** What a runner performs directives with. All of time and chance comes through here. */
export interface Ports {
  readonly clock: Clock
  readonly dice: Dice
  readonly edge: Pick<SensorEdge, 'attachment' | 'place' | 'bridge' | 'machine'>
  /**
   * Carries a signal to the other agents. Returns to how many. `trail` as for `write`, empty for telemetry. `to`: the only node it is for, or
   * HERE; left out: this one, and others where its kind reaches them.
   */
  send(signal: Signal, kind: AnySignalKind, trail: readonly Signal[], to?: string): number
  /**
   * Sets a word of the tables. `trail`: the signal it is set for, then that one's cause and so on, as far back as the agent told itself;
   * empty where it is set at the start.
   */
  write(directive: WriteEndpoint | WriteService, trail: readonly Signal[]): void
  /** The agent has broken a promise: it is closed, and to be started anew. */
  fault(error: Error): void
  /** A skill has come or gone: what the agent wants to hear from others may be something else now. */
  listen(): void
  /** How a sensor looks here where that is not as it says itself; null: it does not look at all. Left out: each as it says. */
  look?(sensor: AnySensor): AnySensor['read'] | null | undefined
  /** The agent wants its supervisor to know how it is. */
  report(): void
}
