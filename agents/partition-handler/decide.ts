/** Which side goes on deciding. */
export type Strategy = 'keep-majority' | 'static-quorum' | 'keep-oldest' | 'down-all' | 'lease-majority'

export interface Rule {
  readonly strategy: Strategy
  /** Of static-quorum. */
  readonly quorumSize: number
  /** Of keep-oldest: the oldest gives way when it is alone. */
  readonly downIfAlone: boolean
}

/** The nodes, as one of them sees them. */
export interface Picture {
  readonly me: string
  /** All there are, and the how-manieth each joined as; of one rank the lower name is older, and who has none yet is youngest. */
  readonly members: ReadonlyMap<string, number | null>
  /** Those that are heard, or that somebody who is heard hears; this one among them. */
  readonly reachable: ReadonlySet<string>
  /** Of these, those between whom something is cut that is not for others. */
  readonly indirect: ReadonlySet<string>
  /** Nothing stays as it is for long enough to be judged. */
  readonly isUnstable?: boolean
  /** Who has the lease, under lease-majority; `unknown`: the store does not answer, or has not been asked. */
  readonly lease?: 'here' | 'there' | 'unknown'
}

export interface Verdict {
  /** `down-self`: another side goes on; `down-all`: none does. Either way this node routes on, and decides nothing. */
  readonly verdict: 'keep' | 'down-self' | 'down-all'
  /** For people. */
  readonly because: string
}

/**
 * Whether this side of a partition goes on deciding. Every node judges for itself, by what it sees, and no two sides may both say `keep`.
 *
 *   keep-majority    the larger part; of two equal parts the one with the lowest name
 *   static-quorum    a part of quorumSize; where two parts could be as large, none
 *   keep-oldest      the part with the oldest node, unless that is alone and gives way
 *   down-all         none
 *   lease-majority   the part that gets a lease of the store; the lesser part asks later
 *   whatever it is   who is connected to some and not to others gives way to those that are to all
 *
 * Source  Akka and Pekko, split brain resolver. Deviation: what is given up is the right to decide; there it is the process.
 */
export function decide({ strategy, quorumSize, downIfAlone }: Rule, picture: Picture): Verdict {
  const { me, members, reachable, indirect, isUnstable = false, lease = 'unknown' } = picture
  const here = [...members.keys()].filter(node => reachable.has(node))
  const gone = [...members.keys()].filter(node => !reachable.has(node))
  if (gone.length === 0 && indirect.size === 0) return keep('all nodes are here')
  if (isUnstable) return downAll('the nodes come and go')
  if (indirect.has(me)) return downSelf('some nodes hear it and others do not')
  if (gone.length === 0) return keep('it is connected to all')
  const counted = `${here.length} of ${members.size} nodes are here`
  switch (strategy) {
    case 'keep-majority': {
      const isMajor = here.length * 2 > members.size
      const isTie = here.length * 2 === members.size
      if (isTie) return lowest(here) < lowest(gone) ? keep(`${counted}, the first among them`) : downSelf(counted)
      return isMajor ? keep(counted) : downSelf(counted)
    }
    case 'static-quorum':
      if (members.size > 2 * quorumSize - 1) {
        return downAll(`two parts of ${members.size} nodes could have a quorum of ${quorumSize}`)
      }
      return here.length >= quorumSize ? keep(counted) : downSelf(`${counted}, a quorum is ${quorumSize}`)
    case 'keep-oldest': {
      const oldest = oldestOf(members)
      const isHere = reachable.has(oldest)
      const isAlone = downIfAlone && (isHere ? here.length === 1 : gone.length === 1)
      if (isHere === isAlone)
        return downSelf(isHere ? 'it is the oldest node, and alone' : `${oldest} is the oldest node`)
      return keep(isHere ? `${oldest} is the oldest node` : `${oldest} is the oldest node, and alone`)
    }
    case 'down-all':
      return downAll(counted)
    case 'lease-majority':
      if (lease === 'unknown') return downAll(`${counted}, and the store says nothing`)
      return lease === 'here'
        ? keep(`${counted}, and have the lease`)
        : downSelf(`${counted}, and others have the lease`)
  }
}

/** Whether this side is the lesser one: it asks for the lease later, and loses its rights before it is sure. */
export function isLesser({ members, reachable }: Pick<Picture, 'members' | 'reachable'>): boolean {
  return reachable.size * 2 < members.size
}

function oldestOf(members: ReadonlyMap<string, number | null>): string {
  const age = ([node, rank]: [string, number | null]): [number, string] => [rank ?? Number.POSITIVE_INFINITY, node]
  const sorted = [...members].map(age).sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a - b))
  return sorted[0]![1]
}

function lowest(nodes: readonly string[]): string {
  return nodes.toSorted()[0]!
}

const keep = (because: string): Verdict => ({ verdict: 'keep', because })
const downSelf = (because: string): Verdict => ({ verdict: 'down-self', because })
const downAll = (because: string): Verdict => ({ verdict: 'down-all', because })
