import { elapsedMs } from '../../../engine/writer.ts'
import { appended } from '../../kit/run/bounded.ts'
import { decodePresence, type Presence, type Unheard } from './datagram.ts'

/** Messages whose nonces are remembered: as many as all nodes say in an hour, were there thirty of them. */
const NONCES_MAX = 4096
/** Questions of one's own that are remembered. */
const ASKED_MAX = 64
/** A question is answered within so long, in ms. */
const ASKED_MS = 10_000
/** Nodes whose lives are remembered. */
const LIVES_MAX = 1024

export interface Guard {
  readonly nonces: ReadonlySet<string>
  readonly asked: readonly { readonly nonce: string; readonly atMs: number }[]
  /** By node: which life of it was heard, and what it said last. */
  readonly lives: ReadonlyMap<string, { readonly life: string; readonly seq: number }>
  /** Datagrams that were not heard, by reason. */
  readonly unheard: Readonly<Record<Unheard, number>>
}

export const NOTHING_HEARD: Guard = {
  nonces: new Set(),
  asked: [],
  lives: new Map(),
  unheard: { malformed: 0, foreign: 0, forged: 0, replayed: 0 },
}

/** What a datagram comes to. */
export type Heard =
  /** Nothing: it is one's own, or not to be heard. */
  | { readonly kind: 'nothing' }
  /** Somebody who is known, and lives. */
  | { readonly kind: 'seen'; readonly presence: Presence }
  /** Somebody says he is a node, or another life of one: ask him. Anybody may say again what a node said long ago. */
  | { readonly kind: 'claimed'; readonly presence: Presence }
  /** Somebody asks. */
  | { readonly kind: 'asked'; readonly presence: Presence }

/**
 * Decides which datagrams are heard. Clocks of nodes are not compared: what is new is told by nonces, and a node is believed when it
 * answers one of ours, which nobody can have recorded before.
 *
 *   here of a life that is known ──▶ seen          of any other ──▶ claimed: it is asked
 *   answer to a question of ours ──▶ seen          to any other ──▶ replayed
 *   who ──▶ asked                                  a nonce that was heard before, or a count that did not grow ──▶ replayed
 */
export function hearDatagram(
  before: Guard,
  bytes: Uint8Array,
  me: { readonly cluster: string; readonly secret: string; readonly node: string },
  now: number,
): readonly [Guard, Heard] {
  const read = decodePresence(bytes, me.cluster, me.secret)
  if ('unheard' in read) return [counted(before, read.unheard), { kind: 'nothing' }]
  const { presence } = read
  const { node, life, seq, nonce, kind, to } = presence
  // One's own come back; those of an earlier life of one's own may.
  if (node === me.node) return [before, { kind: 'nothing' }]
  if (before.nonces.has(nonce)) return [counted(before, 'replayed'), { kind: 'nothing' }]
  const guard = { ...before, nonces: remembered(before.nonces, nonce) }
  const known = before.lives.get(node)
  const isStale = known?.life === life && seq <= known.seq
  if (kind === 'who')
    return isStale ? [counted(guard, 'replayed'), { kind: 'nothing' }] : [guard, { kind: 'asked', presence }]
  const isAnswer =
    kind === 'answer' && before.asked.some(each => each.nonce === to && elapsedMs(now, each.atMs) <= ASKED_MS)
  if (isStale || (kind === 'answer' && !isAnswer)) return [counted(guard, 'replayed'), { kind: 'nothing' }]
  if (kind === 'here' && known?.life !== life) return [guard, { kind: 'claimed', presence }]
  const lives = new Map(before.lives)
  lives.delete(node)
  lives.set(node, { life, seq })
  if (lives.size > LIVES_MAX) lives.delete(lives.keys().next().value!)
  return [
    { ...guard, lives },
    { kind: 'seen', presence },
  ]
}

/** A question of one's own was sent. */
export function asking(guard: Guard, nonce: string, atMs: number): Guard {
  return { ...guard, asked: appended(guard.asked, { nonce, atMs }, ASKED_MAX) }
}

function remembered(nonces: ReadonlySet<string>, nonce: string): ReadonlySet<string> {
  const all = new Set(nonces).add(nonce)
  if (all.size > NONCES_MAX) all.delete(all.keys().next().value!)
  return all
}

function counted(guard: Guard, why: Unheard): Guard {
  return { ...guard, unheard: { ...guard.unheard, [why]: guard.unheard[why] + 1 } }
}
