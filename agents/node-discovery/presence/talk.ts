import { type Config, elapsedMs } from '../../../engine/writer.ts'
import { act, type Directive, schedule } from '../../kit/grammar/directive.ts'
import type { Sighting } from '../merge.ts'
import { announcementDue } from './announcements.ts'
import { asking, type Guard, hearDatagram, NOTHING_HEARD } from './guard.ts'
import type { Received, Recipient, Words } from './post.ts'
import { announceDue, answerDue, quietDue, type Spoken, speak, takePart } from './speak.ts'

type Multicast = Config['agents']['node-discovery']['multicast']

/** A node in the talk of its group. */
export interface Talk {
  readonly me: Pick<Words, 'cluster' | 'node' | 'address' | 'zone' | 'capabilities'>
  readonly options: Multicast
  readonly guard: Guard
  /** The how manieth group it is that the node takes part in. */
  readonly part: number
  /** When somebody answered last. */
  readonly answeredMs: number
}

type Next = readonly [Talk, Directive[]]

/** Those that are asked at one moment do not all answer at one: each waits up to so long, in ms. */
const ANSWER_MS = 10
/** So long a silence, or so long in all, and everybody has answered who will, in ms. */
const QUIET_MS = 50
const ANSWERS_MS = 250

export function beginTalk(
  options: Multicast,
  node: string,
  zone: string,
  capabilities: readonly string[],
  part: number,
): Next {
  const { cluster, address } = options
  const where = address === undefined ? '' : `${host(address.address)}:${address.port}`
  const me = { cluster, node, address: where, zone, capabilities }
  const talk = { me, options, guard: NOTHING_HEARD, part, answeredMs: 0 }
  return [talk, [beginPart(talk), schedule(0, announceDue.of({ part, n: 0 }))]]
}

/** Takes part, again where it could not. */
export function beginPart({ options }: Talk): Directive {
  const { group, port, secret } = options
  return act(takePart, { group, port, secret, interface: options.interface })
}

function host(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

export function onAnnounceDue(talk: Talk, { part, n }: { readonly part: number; readonly n: number }): Next {
  if (part !== talk.part) return [talk, []]
  const { delayMs, spreadMs } = announcementDue(n + 1, talk.options.announce)
  return [talk, [say(talk, 'here', null), schedule(delayMs, announceDue.of({ part, n: n + 1 }), spreadMs)]]
}

/** Asks all who is there, for a round of discovery. */
export function askAll(talk: Talk, round: number): Next {
  return [talk, [say(talk, 'who', null), schedule(QUIET_MS, quietDue.of({ round }))]]
}

/** Whether all have answered who were asked so long ago. */
export function isQuiet({ answeredMs }: Talk, sinceMs: number, now: number): boolean {
  return elapsedMs(now, answeredMs) >= QUIET_MS || elapsedMs(now, sinceMs) >= ANSWERS_MS
}

export function lookAgain(round: number): Directive {
  return schedule(QUIET_MS, quietDue.of({ round }))
}

/** Says something to one, or to all. */
export function say({ me }: Talk, kind: Words['kind'], to: Recipient, nonce = ''): Directive {
  return act(speak, { words: { ...me, kind, to: nonce }, to })
}

export function onSpoken(talk: Talk, { kind, nonce }: Spoken, now: number): Talk {
  return kind === 'who' && nonce !== undefined ? { ...talk, guard: asking(talk.guard, nonce, now) } : talk
}

export function onAnswerDue(talk: Talk, { nonce, to }: { readonly nonce: string; readonly to: Recipient }): Directive {
  return say(talk, 'answer', to, nonce)
}

/** Goes through what was heard: who asks is answered, who only claims to be there is asked, and who is there was seen. */
export function onHeard(
  before: Talk,
  received: readonly Received[],
  now: number,
): {
  readonly talk: Talk
  readonly directives: Directive[]
  readonly seen: readonly (Sighting & { isAnswer: boolean })[]
} {
  let talk = before
  const directives: Directive[] = []
  const seen: (Sighting & { isAnswer: boolean })[] = []
  for (const { bytes, host, port } of received) {
    const { cluster, node } = talk.me
    const [guard, heard] = hearDatagram(talk.guard, bytes, { cluster, node, secret: talk.options.secret }, now)
    talk = { ...talk, guard }
    if (heard.kind === 'nothing') continue
    const { nonce } = heard.presence
    if (heard.kind === 'asked') {
      directives.push(schedule(ANSWER_MS, answerDue.of({ nonce, to: { host, port } }), ANSWER_MS))
    } else if (heard.kind === 'claimed') directives.push(say(talk, 'who', { host, port }))
    else {
      const { address, zone, capabilities, kind } = heard.presence
      const isAnswer = kind === 'answer'
      if (isAnswer) talk = { ...talk, answeredMs: now }
      const about = { node: heard.presence.node, by: 'multicast', address, zone, capabilities } as const
      // Who says an address is connected to there; who says none has shown that it lives by answering.
      seen.push({ ...about, lastSeenMs: now, isVerified: address === '', isAnswer })
    }
  }
  return { talk, directives, seen }
}
