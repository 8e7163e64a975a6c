import { defineAction } from '../../kit/grammar/action.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { coordinationType } from '../../kit/member/readiness.ts'
import { agree, NOBODY } from '../agreement/agree.ts'
import type { Consent } from './emergency-state.ts'

/** In place of a role: all orchestrators, every one of them. */
export const ROLL_CALL = 'roll-call'
const ORCHESTRATORS = 'cluster-orchestrator'

/** So long agents have to say whether they take part. */
const CONSENT_MS = 15_000

export interface Consented {
  readonly id: string
  readonly role: string
  readonly consent: Consent
}

export const consented = defineSignal('signalbox.emergency.consented', { data: trusted<Consented>() })

/**
 * Asks all agents of a role whether they take part in meeting an emergency. Roles are asked beside each other: one that is silent keeps
 * no other waiting.
 */
export const askRole = defineAction({
  name: 'ask-role',
  done: consented,
  timeoutMs: 0,
  async run(
    { id, role, type, subject }: { id: string; role: string; type: string; subject: string },
    edge,
  ): Promise<Consented> {
    if (edge.bridge === undefined) return { id, role, consent: 'no_store' }
    const isRollCall = role === ROLL_CALL
    const { status, because } = await agree(edge, {
      type: coordinationType(isRollCall ? ROLL_CALL : 'emergency-response'),
      // An emergency is met once: its id makes it another subject than the last of its kind. A roll call may be held again.
      subject: isRollCall ? `${id}/${edge.now()}` : `${id}/${role}`,
      episode: 0,
      payload: { agentType: role, emergency: type, subject, priority: 'critical' },
      role: isRollCall ? ORCHESTRATORS : role,
      rule: isRollCall ? 'unanimous' : 'majority',
      timeoutMs: CONSENT_MS,
    })
    return { id, role, consent: because === NOBODY ? NOBODY : status }
  },
})
