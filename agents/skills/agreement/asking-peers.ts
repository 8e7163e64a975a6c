import { elapsedMs } from '../../../engine/writer.ts'
import { emit, type Step, schedule, stay } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { mapOf, objectOf, text } from '../../kit/grammar/shapes.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { defineSkill, type Mounted } from '../../kit/grammar/skill.ts'
import { nodeOf } from '../../kit/grammar/source.ts'

/** To agents of a role on other nodes: what do you say to this? Whoever is asked replies `peerAnswered`. */
export const peersAsked = defineSignal('signalbox.peers.asked', {
  data: objectOf({ session: text, role: text, topic: text, payload: mapOf(text) }),
  reach: 'cluster',
})

/** From one of them, to who asked. */
export const peerAnswered = defineSignal('signalbox.peer.answered', {
  data: objectOf({ session: text, answer: mapOf(text) }),
  reach: 'cluster',
})

const sessionDue = defineSignal('signalbox.session.scheduled', { data: trusted<null>() })

/** What came of asking one node. */
export type PeerResult =
  | { readonly status: 'waiting' }
  | { readonly status: 'answered'; readonly answer: Readonly<Record<string, string>>; readonly tookMs: number }
  | { readonly status: 'timeout' }

export interface Session {
  readonly session: string
  readonly topic: string
  readonly askedMs: number
  readonly results: ReadonlyMap<string, PeerResult>
  /** All have answered, or the time is over: nothing more is heard. */
  readonly isOver: boolean
}

export interface SessionOptions {
  /** Unique among those of this node, and said to others: who answers says it back. */
  readonly session: string
  readonly role: string
  readonly topic: string
  readonly payload?: Readonly<Record<string, string>>
  /** Whose answers are waited for. */
  readonly nodes: readonly string[]
  readonly deadlineMs: number
}

export const askingPeers = defineSkill({
  name: 'asking-peers',
  listens: [peerAnswered],
  own: [sessionDue],
  emits: [peersAsked],
  start({ session, role, topic, payload = {}, nodes, deadlineMs }: SessionOptions, { now }): Step<Session> {
    const results = new Map(nodes.map((node): [string, PeerResult] => [node, { status: 'waiting' }]))
    return {
      state: { session, topic, askedMs: now, results, isOver: nodes.length === 0 },
      directives: [
        ...(nodes.length > 0 ? [emit(peersAsked.of({ session, role, topic, payload }))] : []),
        schedule(deadlineMs, sessionDue.of(null)),
      ],
    }
  },
  decide(state, signal, now): Step<Session> {
    if (state.isOver) return stay(state)
    if (signal.type === 'signalbox.session.scheduled') {
      const results = new Map(
        [...state.results].map(([node, result]): [string, PeerResult] => [
          node,
          result.status === 'waiting' ? { status: 'timeout' } : result,
        ]),
      )
      return stay({ ...state, results, isOver: true })
    }
    const node = nodeOf(signal.source)
    const { session, answer } = signal.data
    if (node === undefined || session !== state.session || state.results.get(node)?.status !== 'waiting')
      return stay(state)
    const tookMs = elapsedMs(now, state.askedMs)
    const results = new Map(state.results).set(node, { status: 'answered', answer, tookMs })
    const isOver = [...results.values()].every(({ status }) => status !== 'waiting')
    return stay({ ...state, results, isOver })
  },
})

/**
 * Asks agents of a role on other nodes, all at once, and collects what each says until a deadline. A node that is dead is a `timeout` in the
 * results and keeps nobody waiting longer.
 *
 *   mount ── asked ──▶ b, c, d      b, d ── answered ──▶ results: b answered · c timeout · d answered
 *
 * One mount is one session: `mount(askPeers(key, …))`, read it by `slices.of`, and unmount it when it `isOver`. Who mounts it hears by its own
 * `peerAnswered` and its own timer when to look. All nodes hear the question; whose answer is not waited for is not counted. Meeting at
 * one point, all or none, is what the bridge's barrier is for.
 */
export function askPeers(key: string, options: SessionOptions): Mounted<Session> {
  return askingPeers.mount(key, options)
}
