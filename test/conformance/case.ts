import type { Framing } from './message.ts'

/** A case of the suite, as data: what is sent, what must come of it on both sides, and the rule that says so. */
export interface Case {
  readonly name: string
  /** The section it checks, as in "9112 6.3". */
  readonly rule: string
  /** What happens, in order. */
  readonly script: readonly Step[]
  /** What the origin answers to every whole request; the empty text leaves it to the script. Default: 200 with "ok". */
  readonly answer?: string
  /** What the origin does to its connection after that. Default: keeps it. */
  readonly ends?: 'close' | 'reset'
  /** Methods of the requests, where one of them is HEAD. */
  readonly methods?: readonly string[]
  /** What must have come of it: one of these. */
  readonly want: readonly Want[]
  /** What signalbox must give as the cause. */
  readonly reason?: string
  /** Whether it ends without a request behind it: its connection is of no further use, or still waits for something. */
  readonly isLast?: boolean
  /** Why no proxy but ours passes it, where that is so. */
  readonly because?: string
}

/** One thing that happens. Those that wait do so for an event, with a deadline and never for a time. */
export type Step =
  /** The downstream sends these bytes. */
  | { send: string }
  /** The downstream has got this text. */
  | { gets: string }
  /** The downstream goes away. */
  | { leaves: 'close' | 'reset' }
  /** The origin has got this text. */
  | { originGets: string }
  /** The origin sends these bytes, on the connection that brought it the last ones. */
  | { originSends: string }
  | { originLeaves: 'close' | 'reset' }
  /** The proxy has closed that connection. */
  | { originLosesDownstream: true }

/** What a message is to be like, whichever way it goes. */
interface Said {
  /** Fields it has, as "Name: value"; the case of names is not looked at. */
  readonly has?: readonly string[]
  /** Fields it has not, by name or as "Name: value". */
  readonly lacks?: readonly string[]
  /** Lines of its head one after the other, byte for byte. */
  readonly exact?: readonly string[]
  readonly body?: string
  readonly trailers?: readonly string[]
  readonly framing?: Framing
}

export interface Want extends Said {
  /** Status of the first final answer. `error`: one from 400 on, or a connection closed without one. */
  readonly status?: number | readonly number[] | 'error'
  /** Statuses of the interim answers before it. */
  readonly interim?: readonly number[]
  /** Whether it came whole. Default true. */
  readonly isWhole?: boolean
  /** How many final answers came. Default 1. */
  readonly answers?: number
  readonly connection?: 'kept' | 'closed'
  /** What the origin has got: these requests and no others; `cut`: at most the beginning of one. Default: not looked at. */
  readonly origin?: readonly Upward[] | 'cut'
}

export interface Upward extends Said {
  /** The whole request line. */
  readonly line?: string
}

/** Sent behind what is hostile in the same write, and behind what is good when it was answered. */
export const BEHIND = 'GET /behind HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'

/** The Host field most cases have. */
export const HOST = 'Host: a.example\r\n'

/** Bytes that must be answered with an error, and of which nothing whole may reach the origin. */
export function hostile(name: string, rule: string, bytes: string, more: Partial<Case> = {}): Case {
  const want: Want[] = [{ status: 'error', origin: [] }]
  return { name, rule, script: [{ send: bytes + BEHIND }], isLast: true, want, reason: 'bad-request', ...more }
}

/** The same for a body: its head was in order and may have gone up before the body turned out not to be. */
export function hostileBody(name: string, rule: string, bytes: string, more: Partial<Case> = {}): Case {
  return hostile(name, rule, bytes, { want: [{ status: 'error', connection: 'closed', origin: 'cut' }], ...more })
}

/** Cases that no proxy but ours passes, and why. */
export function alone(because: string, ...cases: readonly Case[]): Case[] {
  return cases.map(each => ({ ...each, because }))
}

export const ANY_HOST = 'nginx and HAProxy take almost any bytes for a host and leave it to the origin to refuse them'
