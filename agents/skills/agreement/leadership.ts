import type { Config } from '../../../engine/writer.ts'
import { defineAction } from '../../kit/grammar/action.ts'
import { act, type Directive, emit, type Step, stay, tell } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { agentHeartbeat, topologyUpdated } from '../../kit/member/membership-signals.ts'
import { leaderChanged, rightsChanged } from '../../signals.ts'
import { ALONE, officeOf } from './office.ts'

export interface LeadershipOptions {
  /** What is led, one at a time over all agents that stand for it. */
  readonly role: string
  /** A leader that is silent for so long is one no more, in ms; as it is at the start. */
  leaseMs(config: Config): number
}

export interface Leadership {
  readonly role: string
  readonly leaseMs: number
  /**
   *   candidate   another one leads, or nobody yet
   *   leader      this one does, under its fence
   *   alone       there is nothing to agree through and nobody else: it acts for itself
   *   barred      this node may decide nothing for others
   *   withdrawn   it does not want to lead
   */
  readonly standing: 'candidate' | 'leader' | 'alone' | 'barred' | 'withdrawn'
  /** Of its term of office; 0 where it has none. */
  readonly fence: number
  readonly mayDecide: boolean
  readonly isWilling: boolean
  /** Nodes it has heard of: with a second one it never acts alone. */
  readonly nodes: readonly string[]
}

/** To itself: does it want to lead? */
export const candidacyChanged = defineSignal('signalbox.candidacy.changed', {
  data: trusted<{ readonly isWilling: boolean; readonly because: string }>(),
})

const officeSought = defineSignal('signalbox.office.sought', {
  data: trusted<{ readonly came: 'leads' | 'silent' | 'absent' | 'ended'; readonly fence: number }>(),
})
const officeLost = defineSignal('signalbox.office.lost', { data: trusted<{ readonly fence: number }>() })
const officeLeft = defineSignal('signalbox.office.left')

/** So long a store is silent before who is alone does without it, in ms: longer than a sequencer takes to begin anew. */
const PATIENCE_MS = 10_000

const seek = defineAction({
  name: 'seek-office',
  done: officeSought,
  // Another one may lead for months.
  timeoutMs: 0,
  async run({ role, leaseMs }: Pick<Leadership, 'role' | 'leaseMs'>, { bridge, later }) {
    if (bridge === undefined) return { came: 'absent', fence: ALONE } as const
    const standing = officeOf(bridge, role).stand(leaseMs)
    for (;;) {
      const { end, waited } = timer(later, PATIENCE_MS)
      const came = await Promise.race([standing, waited])
      end()
      if (came === undefined) return { came: 'ended', fence: 0 } as const
      if (came !== WAITED) return { came: 'leads', fence: came.fence } as const
      if (!(await bridge.status()).isReachable) return { came: 'silent', fence: ALONE } as const
    }
  },
})

const WAITED = Symbol('waited')

function timer(later: (delayMs: number, callback: () => void) => () => void, delayMs: number) {
  let end = (): void => {}
  const waited = new Promise<typeof WAITED>(resolve => {
    end = later(delayMs, () => resolve(WAITED))
  })
  return { end, waited }
}

const watch = defineAction({
  name: 'watch-office',
  done: officeLost,
  timeoutMs: 0,
  run({ role, fence }: { role: string; fence: number }, { bridge }) {
    const held = bridge && officeOf(bridge, role).held
    if (held?.fence !== fence) return { fence }
    return new Promise<{ fence: number }>(resolve => {
      held.lost.addEventListener('abort', () => resolve({ fence }), { once: true })
    })
  },
})

const resign = defineAction({
  name: 'resign-office',
  done: officeLeft,
  async run({ role }: { role: string }, { bridge }) {
    await (bridge && officeOf(bridge, role).resign())
    return null
  },
})

/**
 * Leads a role, one agent at a time over all nodes, by lease and fence; the others stand by and take over within the time of a lease.
 *
 *   candidate ──▶ leader ──▶ lease lost ──▶ candidate …           rights taken ──▶ barred ──▶ given back ──▶ candidate
 *        └── nothing to agree through, nobody else ──▶ alone ──▶ there is a store ──▶ leader
 *
 * Its agent and its other skills hear `leaderChanged`, as everybody does. What is done on behalf of a term asks `mayAct` at the edge first:
 * by then another one may lead.
 */
export const leadership = defineSkill({
  name: 'leadership',
  listens: [rightsChanged, candidacyChanged, agentHeartbeat, topologyUpdated],
  own: [leaderChanged],
  emits: [leaderChanged],
  actions: [seek, watch, resign],
  // Before the other skills of its agent: who leads is known to them when they hear the same.
  priority: 20,
  start({ role, leaseMs }: LeadershipOptions, { config }): Step<Leadership> {
    const slice: Leadership = {
      ...{ role, leaseMs: leaseMs(config), standing: 'candidate', fence: 0 },
      ...{ mayDecide: true, isWilling: true, nodes: [] },
    }
    return { state: slice, directives: [act(seek, slice)] }
  },
  decide(slice, signal) {
    switch (signal.type) {
      case 'signalbox.office.sought':
        return onSought(slice, signal.data)
      case 'signalbox.office.lost':
        if (slice.standing !== 'leader' || signal.data.fence !== slice.fence) return stay(slice)
        return seekAgain(slice, 'its lease was lost')
      case 'signalbox.node.rights-changed':
        return onWish({ ...slice, mayDecide: signal.data.mayDecide }, slice, signal.data.because)
      case 'signalbox.candidacy.changed':
        return onWish({ ...slice, isWilling: signal.data.isWilling }, slice, signal.data.because)
      case 'signalbox.agent.heartbeat':
        return onNodes(slice, [signal.data.node])
      case 'signalbox.topology.updated':
        return onNodes(slice, signal.data.nodes)
      default:
        return stay(slice)
    }
  },
})

/** More do not say more: with two it is not alone. */
const NODES_MAX = 2

function onSought(
  slice: Leadership,
  { came, fence }: { readonly came: 'leads' | 'silent' | 'absent' | 'ended'; readonly fence: number },
): Step<Leadership> {
  if (came === 'ended' || !isStanding(slice)) return stay(slice)
  if (came === 'leads') {
    const step = become(slice, 'leader', fence, 'nobody else leads')
    return { state: step.state, directives: [act(watch, { role: slice.role, fence }), ...step.directives] }
  }
  const again = came === 'silent' ? [act(seek, slice)] : []
  if (slice.nodes.length > 1 || slice.standing === 'alone') return { state: slice, directives: again }
  const because = came === 'silent' ? 'the store is silent and no other node is known' : 'there is no store'
  const step = become(slice, 'alone', ALONE, because)
  return { state: step.state, directives: [...step.directives, ...again] }
}

function onWish(after: Leadership, before: Leadership, because: string): Step<Leadership> {
  const [wanted, was] = [isStanding(after), isStanding(before)]
  if (wanted && !was) return seekAgain(after, because)
  if (wanted || !was) return stay(after)
  const step = become(after, after.mayDecide ? 'withdrawn' : 'barred', 0, because)
  // Told first: nobody here acts any more when the next one may begin.
  return { state: step.state, directives: [...step.directives, act(resign, { role: after.role })] }
}

function onNodes(slice: Leadership, nodes: readonly string[]): Step<Leadership> {
  const news = nodes.filter(node => !slice.nodes.includes(node))
  if (news.length === 0 || slice.nodes.length >= NODES_MAX) return stay(slice)
  const after = { ...slice, nodes: [...slice.nodes, ...new Set(news)].slice(0, NODES_MAX) }
  return after.nodes.length > 1 && after.standing === 'alone'
    ? become(after, 'candidate', 0, 'there is another node')
    : stay(after)
}

function seekAgain(slice: Leadership, because: string): Step<Leadership> {
  const step = become(slice, 'candidate', 0, because)
  return { state: step.state, directives: [...step.directives, act(seek, slice)] }
}

function become(slice: Leadership, standing: Leadership['standing'], fence: number, because: string): Step<Leadership> {
  const isHere = standing === 'leader' || standing === 'alone'
  const draft = leaderChanged.of({ role: slice.role, isHere, standing, fence, because }, slice.role)
  const directives: Directive[] = [tell(draft), emit(draft)]
  return { state: { ...slice, standing, fence }, directives }
}

function isStanding({ mayDecide, isWilling }: Leadership): boolean {
  return mayDecide && isWilling
}
