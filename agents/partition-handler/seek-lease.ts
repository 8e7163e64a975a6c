import type { Bridge } from '../bridge/bridge.ts'
import type { Election } from '../bridge/election.ts'
import { defineAction, type Edge } from '../kit/grammar/action.ts'
import { leaseSought } from './signals.ts'

/** The role whose leader decides for its side. */
const ROLE = 'deciding-side'
/** Between two looks at who has it, and how long it is looked for, in ms. */
const LOOK_MS = 100
const LOOKS_MAX = 50
/** So long the lease is kept when it was won, in ms: until every node has judged. Pekko's. */
const RELEASE_MS = 40_000

const standing = new WeakMap<Bridge, Election>()

/** Stands for the lease after so many ms and says who has it, be it another node of this side. */
export const seekLease = defineAction({
  name: 'seek-side-lease',
  done: leaseSought,
  timeoutMs: 60_000,
  retries: 0,
  run: async (
    { picture, waitMs }: { readonly picture: string; readonly waitMs: number },
    edge,
  ): Promise<{ readonly picture: string; readonly holder: string | null }> => {
    if (edge.bridge === undefined) return { picture, holder: null }
    await pause(edge, waitMs)
    const election = stand(edge.bridge, edge)
    for (let look = 0; look < LOOKS_MAX; look++) {
      const candidate = election.leader?.candidate
      // A copy of who leads may be old: who does not answer says nothing.
      if (candidate !== undefined && (await edge.bridge.status()).isReachable) {
        return { picture, holder: candidate.split('@')[1] ?? candidate }
      }
      await pause(edge, LOOK_MS)
    }
    return { picture, holder: null }
  },
})

function stand(bridge: Bridge, edge: Edge): Election {
  const known = standing.get(bridge)
  if (known !== undefined) return known
  const election = bridge.lead(ROLE, () => {})
  standing.set(bridge, election)
  edge.later(RELEASE_MS, () => {
    standing.delete(bridge)
    void election.close()
  })
  return election
}

function pause(edge: Edge, ms: number): Promise<void> {
  return new Promise(resolve => void edge.later(ms, resolve))
}
