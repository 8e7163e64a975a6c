import type { Box } from '../box/box.ts'
import type { LiveService } from '../box/live-service.ts'
import type { EndpointReport } from '../router/report.ts'
import { Refusal } from './answer.ts'
import type { Counters } from './counters.ts'

/** What can be done to an endpoint by a POST under its name. */
export const ACTIONS = ['drain', 'undrain', 'quarantine', 'release'] as const
export type Action = (typeof ACTIONS)[number]

/** What can be done to an agent likewise. */
export const SWITCHES = ['disable', 'enable'] as const
export type Switch = (typeof SWITCHES)[number]

export interface Target {
  service: string
  id: string
}

/**
 * Does what an operator asked for, and returns the endpoint as it is afterwards. A drain is begun here, not waited for:
 * `inflight` of the report says what is left.
 *
 * Throws SBX_SERVICE_UNKNOWN, SBX_ENDPOINT_UNKNOWN, SBX_AGENT_UNKNOWN, SBX_BOX_CLOSED, or a Refusal.
 */
export class Changes {
  readonly #box: Box
  readonly #counters: Counters

  constructor(box: Box, counters: Counters) {
    this.#box = box
    this.#counters = counters
  }

  act(action: Action, target: Target, body: Record<string, unknown> | undefined): EndpointReport {
    refuseOtherKeys(body ?? {}, [], `${action} takes no keys`)
    const service = this.#box.service(target.service)
    if (action === 'drain') this.#drain(service, target)
    else service[action](target.id)
    return this.#done(action, target)
  }

  setWeight(target: Target, body: Record<string, unknown> | undefined): EndpointReport {
    const { weight } = body ?? {}
    if (typeof weight !== 'number') {
      throw new Refusal(
        400,
        'SBX_ADMIN_INVALID',
        'Cannot set weight: the body has no number "weight", write {"weight": 2}',
      )
    }
    refuseOtherKeys(body ?? {}, ['weight'], 'write {"weight": 2} alone')
    this.#box.service(target.service).setWeight(target.id, weight)
    return this.#done('weight', target, { weight })
  }

  /** Has what an agent wrote count no more, or again, for every pick from now on. */
  switchAgent(change: Switch, name: string, body: Record<string, unknown> | undefined): AgentSwitch {
    refuseOtherKeys(body ?? {}, [], `${change} takes no keys`)
    if (change === 'disable') this.#box.disableAgent(name)
    else this.#box.enableAgent(name)
    this.#box.log('warn', 'agent switched by an operator', { agent: name, change })
    return { name, isEnabled: this.#box.isAgentEnabled(name) }
  }

  /** A drain that has begun is not begun again: each waits for the endpoint on a timer of its own. */
  #drain(service: LiveService, target: Target): void {
    if (this.#find(target)?.bars.includes('draining')) return
    void service.drain(target.id)
  }

  #done(change: Action | 'weight', target: Target, fields: Record<string, unknown> = {}): EndpointReport {
    this.#box.log('info', 'endpoint changed by an operator', { ...target, change, ...fields })
    const endpoint = this.#find(target)
    if (endpoint !== undefined) return endpoint
    throw new Refusal(404, 'SBX_ENDPOINT_UNKNOWN', `Cannot report endpoint ${target.id}: it was removed meanwhile`)
  }

  #find({ service, id }: Target): EndpointReport | undefined {
    return this.#counters.endpoint(service, id)
  }
}

/** Whether what an agent writes counts. */
export interface AgentSwitch {
  name: string
  isEnabled: boolean
}

/** Throws a Refusal for a key that is not known here. */
export function refuseOtherKeys(body: Record<string, unknown>, known: readonly string[], wish: string): void {
  const other = Object.keys(body).find(key => !known.includes(key))
  if (other === undefined) return
  const shown = JSON.stringify(other.slice(0, 100))
  throw new Refusal(400, 'SBX_ADMIN_INVALID', `Cannot read the body: ${shown} is not a key known here, ${wish}`)
}
