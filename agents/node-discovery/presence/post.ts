import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import type { Edge } from '../../kit/grammar/action.ts'
import { encodePresence, type Presence } from './datagram.ts'

/** Datagrams that wait to be looked at; what comes beyond is dropped, as it may be on its way. */
const INBOX_MAX = 256

/** How a node takes part in its group. */
export interface Group {
  readonly group: string
  readonly port: number
  readonly interface?: string | undefined
  readonly secret: string
}

export interface Received {
  readonly bytes: Uint8Array
  readonly host: string
  readonly port: number
}

/** Where to: a node that asked, or the whole group. */
export type Recipient = { readonly host: string; readonly port: number } | null

/** What is said; the rest a message has by who sends it. */
export type Words = Omit<Presence, 'v' | 'life' | 'seq' | 'nonce'>

/**
 * The sockets of a node in its group: one in the group's port, shared with whoever else is on the machine, which hears the group; one of its
 * own, which sends, and to which the answers come.
 *
 *   group:port ──▶ [ here, who of all ]──┐
 *                                        ├──▶ inbox, 256 ──▶ `receive`
 *   own port ◀──▶ [ own words, answers ]─┘
 */
export class Post {
  /** Which life of the node this is. */
  readonly life = randomBytes(9).toString('base64url')
  #seq = 0
  #group: Group | undefined
  #speaking: Socket | undefined
  #inbox: Received[] = []
  #waiting: (() => void) | undefined
  #end = (): void => {}

  /** Takes part from now on, until `signal` is aborted, it is closed, or this is called again. Rejects when it cannot, or cannot any more. */
  open(group: Group, signal: AbortSignal): Promise<void> {
    this.#end()
    return new Promise((resolve, reject) => {
      const hearing = createSocket({ type: 'udp4', reuseAddr: true })
      const speaking = createSocket('udp4')
      let isOver = false
      const end = (error?: Error): void => {
        if (isOver) return
        isOver = true
        signal.removeEventListener('abort', onAbort)
        hearing.close()
        speaking.close()
        if (this.#speaking === speaking) this.#speaking = undefined
        if (error === undefined) resolve()
        else reject(error)
      }
      const onAbort = (): void => end()
      this.#end = end
      signal.addEventListener('abort', onAbort, { once: true })
      for (const socket of [hearing, speaking]) {
        socket.on('error', end)
        socket.on('message', (bytes, { address, port }) => this.#receive({ bytes, host: address, port }))
      }
      const attempt = (work: () => void): void => {
        try {
          work()
        } catch (error) {
          end(error as Error)
        }
      }
      hearing.bind(group.port, () => attempt(() => hearing.addMembership(group.group, group.interface)))
      speaking.bind(0, group.interface, () =>
        attempt(() => {
          if (group.interface !== undefined) speaking.setMulticastInterface(group.interface)
          // Not beyond the site: what is between its networks may still pass it on.
          speaking.setMulticastTTL(4)
        }),
      )
      this.#group = group
      this.#speaking = speaking
    })
  }

  /** Takes no part any more: the group and its port are left. */
  close(): void {
    this.#end()
  }

  /** Says something; returns the nonce it was said with, or undefined where it takes part in no group. */
  send(words: Words, to: Recipient): string | undefined {
    if (this.#speaking === undefined || this.#group === undefined) return undefined
    const nonce = randomBytes(12).toString('base64url')
    const { secret, group, port } = this.#group
    const presence: Presence = { v: '1', ...words, life: this.life, seq: ++this.#seq, nonce }
    const bytes = encodePresence(presence, secret)
    this.#speaking.send(bytes, to?.port ?? port, to?.host ?? group, () => {
      // Nobody may be there to hear it: it is said again.
    })
    return nonce
  }

  /** What has come since the last call; waits for it, but no longer than `patienceMs`. */
  receive(patienceMs: number, { later, signal }: Pick<Edge, 'later' | 'signal'>): Promise<readonly Received[]> {
    return new Promise(resolve => {
      const hand = (): void => {
        callOff()
        signal.removeEventListener('abort', hand)
        if (this.#waiting === hand) this.#waiting = undefined
        const received = this.#inbox
        this.#inbox = []
        resolve(received)
      }
      const callOff = later(this.#inbox.length > 0 ? 0 : patienceMs, hand)
      signal.addEventListener('abort', hand, { once: true })
      this.#waiting = hand
    })
  }

  #receive(received: Received): void {
    if (this.#inbox.length < INBOX_MAX) this.#inbox.push(received)
    this.#waiting?.()
  }
}

const posts = new WeakMap<Edge['attachment'], Post>()

/** The post of a node: one for each place at the tables. */
export function postOf(attachment: Edge['attachment']): Post {
  let post = posts.get(attachment)
  if (post === undefined) posts.set(attachment, (post = new Post()))
  return post
}
