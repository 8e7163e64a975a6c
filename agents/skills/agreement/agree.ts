import type { Motion } from '../../bridge/bridge.ts'
import type { Result } from '../../bridge/consensus.ts'
import type { Edge } from '../../kit/grammar/action.ts'
import { isFault, readRule } from './rule.ts'

export interface Wanted extends Pick<Motion, 'type' | 'subject' | 'episode' | 'payload'> {
  /** All agents of this role that are registered when it is opened, in the lives they are in. */
  readonly role: string
  readonly rule: string
  readonly timeoutMs: number
}

export interface Agreed extends Pick<Result, 'status' | 'fence'> {
  /** Id of the proposal; empty where there is none. */
  readonly proposal: string
  /** Why nobody could be asked, or what is known of how it went; for people. */
  readonly because: string
  readonly voters: number
}

/** Nobody of a role is there to be asked. */
export const NOBODY = 'no_agents_available'

/** Has all agents of a role decide. Never rejects, and never takes silence for a yes: what nobody can say is `unknown`. */
export async function agree({ bridge }: Pick<Edge, 'bridge'>, wanted: Wanted): Promise<Agreed> {
  const nothing = { status: 'unknown', fence: 0, proposal: '', voters: 0 } as const
  if (bridge === undefined) return { ...nothing, because: 'there is no store to agree through' }
  const voters = bridge.discover({ role: wanted.role }).map(({ agent }) => agent)
  if (voters.length === 0) return { ...nothing, because: NOBODY }
  const rule = readRule(wanted.rule, voters.length)
  if (isFault(rule)) return { ...nothing, because: rule.fault }
  try {
    const proposal = bridge.startConsensus(voters, { ...wanted, rule }, wanted.timeoutMs)
    const { status, fence, votes } = await bridge.result(proposal, wanted.timeoutMs)
    const said = Object.entries(votes).map(([agent, ballot]) => `${agent} ${ballot}`)
    const because = said.length === 0 ? 'nobody has voted' : said.slice(0, 16).join(', ')
    return { status, fence, proposal, because, voters: voters.length }
  } catch (error) {
    return { ...nothing, because: (error as Error).message, voters: voters.length }
  }
}
