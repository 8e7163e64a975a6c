/**
 * signalbox/agents: the control plane. Agents in threads of their own watch the endpoints and write down what they
 * found; picks read it. Hand `agents` to createSignalbox, or a roster with agents of your own besides.
 */
import type { Control } from '../engine/writer.ts'
import { checkRoster } from './kit/check-roster.ts'
import type { RosterEntry } from './kit/supervised.ts'
import { Supervisor } from './kit/supervisor.ts'
import { ROSTER } from './roster.ts'

export { type Action, defineAction, type Edge } from './kit/action.ts'
export { type Agent, defineAgent, type Setup } from './kit/agent.ts'
export { act, type Directive, emit, type Step, schedule, stay, writeEndpoint, writeService } from './kit/directive.ts'
export { type Draft, defineSignal, type Signal, type SignalKind } from './kit/signal.ts'
export type { RosterEntry } from './kit/supervised.ts'
export type { EndpointColumn, RowRef, ServiceColumn } from './kit/table-port.ts'
export { type EndpointView, lookAtTables, type ServiceView, type TablesView, tablesSeen } from './kit/tables.ts'
export { ROSTER } from './roster.ts'
export * from './signals.ts'

export interface AgentsOptions {
  /** The agents, in the order they start. Default: ROSTER; `[...ROSTER, { name, module, restart }]` adds one of yours. */
  roster?: readonly RosterEntry[]
}

/**
 * A control plane for createSignalbox.
 *
 * Each agent runs in a thread that does not keep the process alive. One that ends by a fault or hangs is restarted at
 * once, then after 50, 100, 200 ms …; one that fails a fourth time within five seconds rests for ten, which is logged as
 * fatal, and is then tried from the beginning. The tables stay as they are meanwhile, and routing goes on.
 *
 * An agent whose config says `agents.<name>.enabled: false` is not started.
 *
 * Throws SBX_AGENT_INVALID when two agents share a name or a module is no URL. Starting it rejects with SBX_AGENT_FAILED
 * when an agent cannot be started.
 */
export function createAgents({ roster = ROSTER }: AgentsOptions = {}): Control {
  checkRoster(roster)
  return {
    async start(link) {
      const knobs: Record<string, { enabled: boolean } | undefined> = link.config.agents
      const supervisor = new Supervisor(
        roster.filter(({ name }) => knobs[name]?.enabled !== false),
        link,
      )
      await supervisor.start()
      return supervisor
    },
  }
}

/** The agents of signalbox: health monitor, failure detector, load balancer. */
export const agents: Control = createAgents()
