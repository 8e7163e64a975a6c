import type { Bridge } from '../../bridge/bridge.ts'
import type { Election } from '../../bridge/election.ts'
import { defineAction } from '../../kit/grammar/action.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'

export interface Claimed {
  readonly subject: string
  /** Whether it is this node that repairs it. */
  readonly isMine: boolean
  /** Of the claim; 0: there was nobody to claim it from. */
  readonly fence: number
  /** Who repairs it otherwise; empty: not known. */
  readonly by: string
}

/** So long a claim is tried, in ms: another node that has it lets go of it when it has finished, or died. */
const CLAIM_MS = 1_000

/** Claims that are held, by what agrees on them. */
const claims = new WeakMap<Bridge, Map<string, Election>>()

export const repairClaimed = defineSignal('signalbox.repair.claimed', { data: trusted<Claimed>() })

/**
 * Claims the repair of an endpoint, so that one node repairs it: a lease in the store that goes with the agent. Where there are no others, or
 * no store that answers, whoever asks has it: twice repaired is better than not at all.
 *
 *   claim ──▶ leads repair/service/id ──▶ mine, with a fence ──▶ … ──▶ let go
 *     └─────▶ another one leads ──▶ not mine
 */
export const claimRepair = defineAction({
  name: 'claim-repair',
  done: repairClaimed,
  // It keeps its own time.
  timeoutMs: 0,
  run({ subject, role }: { readonly subject: string; readonly role: string }, edge): Claimed | Promise<Claimed> {
    const { bridge } = edge
    const isAlone = bridge === undefined || bridge.discover({ role }).length < 2
    if (isAlone) return { subject, isMine: true, fence: 0, by: '' }
    return new Promise(resolve => {
      let election: Election | undefined
      const callOff = edge.later(CLAIM_MS, () => {
        const by = election?.leader?.candidate
        void election?.close()
        resolve({ subject, isMine: by === undefined, fence: 0, by: by ?? '' })
      })
      election = bridge.lead(`repair/${subject}`, ({ fence }) => {
        callOff()
        heldOf(bridge).set(subject, election as Election)
        resolve({ subject, isMine: true, fence, by: '' })
      })
    })
  },
})

export const repairLetGo = defineSignal('signalbox.repair.let-go', { data: trusted<{ readonly subject: string }>() })

/** Another node may repair it from now on. */
export const letGoOfRepair = defineAction({
  name: 'let-go-of-repair',
  done: repairLetGo,
  run({ subject }: { readonly subject: string }, { bridge }) {
    const held = bridge && claims.get(bridge)
    void held?.get(subject)?.close()
    held?.delete(subject)
    return { subject }
  },
})

function heldOf(bridge: Bridge): Map<string, Election> {
  let held = claims.get(bridge)
  if (held === undefined) claims.set(bridge, (held = new Map()))
  return held
}
