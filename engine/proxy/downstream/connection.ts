import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Front } from '../front.ts'
import { plainAddress } from '../message/forwarded.ts'
import { type Reason, type Reply, replyFor } from '../message/reply.ts'
import type { Exchange } from '../request/exchange.ts'
import { linger } from '../request/request-body.ts'
import type { Rules } from '../rules.ts'

const CONNECTION = Symbol('connection')
const SOURCE = Symbol('source')

interface FrontSocket extends Socket {
  [CONNECTION]?: Connection
  [SOURCE]?: string
}

/** After our half of a connection was closed, the downstream has this long to close its own, in ms. */
const CLOSING_MS = 1000

/** Says where the connection on a socket comes from, where that is not the other end of it. */
export function setSource(socket: Socket, address: string): void {
  ;(socket as FrontSocket)[SOURCE] = address
}

export function sourceOf(socket: Socket): string | undefined {
  return (socket as FrontSocket)[SOURCE]
}

/** One downstream connection: who is there, and what is open on it. HTTP/1.1; see downstream-session.ts for HTTP/2. */
export class Connection {
  readonly socket: Socket
  /** The highest status that can be passed on. */
  readonly statusMax: number = 999
  /** Where it comes from: the peer of the socket, or who that says it stands for; an IPv4 address in IPv4 form. */
  readonly remote: string
  /** The peer speaks TLS to us. */
  readonly isSecure: boolean
  /** Requests that are not over, in the order they came: more than one where the downstream pipelines. */
  readonly open: Exchange[] = []
  /** When it was accepted, or its last request was over: region's clock, ms. */
  idleSinceMs: number
  /** Its last response has begun, or nothing more on it is understood: no further request is taken from it. */
  isClosing = false
  /** The last Host found valid on it: mostly the next one is the same. */
  goodHost: string | undefined
  /** As many requests came on it as may: further ones are not taken. */
  isSpent = false
  readonly #front: Front
  #requests = 0
  #isTrusted = false
  #trustedBy: Rules['trusted'] | undefined
  #isEnding = false

  constructor(socket: Socket, front: Front) {
    this.socket = socket
    this.remote = plainAddress(sourceOf(socket) ?? socket.remoteAddress)
    this.#front = front
    this.isSecure = (socket as Partial<TLSSocket>).encrypted === true
    this.idleSinceMs = front.nowMs()
    ;(socket as FrontSocket)[CONNECTION] = this
  }

  /** The connection of a socket that was announced. */
  static of(socket: Socket): Connection | undefined {
    return (socket as FrontSocket)[CONNECTION]
  }

  /** Whether the peer is believed what it says of who is behind it; a config may change that while the connection is open. */
  get isTrusted(): boolean {
    const { trusted } = this.#front
    if (this.#trustedBy !== trusted) {
      this.#trustedBy = trusted
      this.#isTrusted = trusted.has(this.remote)
    }
    return this.#isTrusted
  }

  add(exchange: Exchange): void {
    this.open.push(exchange)
    const { requestsPerConnection } = this.#front.limits
    if (requestsPerConnection === 0 || ++this.#requests < requestsPerConnection) return
    exchange.isLast = true
    this.isSpent = true
  }

  remove(exchange: Exchange, nowMs: number): void {
    const at = this.open.indexOf(exchange)
    if (at < 0) return
    this.open.splice(at, 1)
    this.idleSinceMs = nowMs
  }

  /** The socket has closed: what is open on it is abandoned. */
  onGone(): void {
    for (const exchange of this.open.slice()) exchange.abandon('downstream-gone')
  }

  /**
   * Takes no further request, and says so with the header of a response that is about to go out: it was to be the last, or its
   * request has not arrived whole.
   */
  announceEnd(headers: string[], _isLast: boolean): void {
    this.isClosing = true
    headers.push('Connection', 'close')
  }

  /** Ends a response whose request has not arrived whole. */
  linger({ request, response }: Exchange): void {
    linger(request, response)
  }

  /** What a request is answered with that is refused. */
  refusal(_exchange: Exchange, reason: Reason): Reply {
    return replyFor(reason)
  }

  /** Breaks a response off that has begun, so that the downstream sees that it is not whole. */
  cut({ request }: Exchange, _reason: string): void {
    // To HTTP/1.0 a body may end with the connection: an orderly end would look like the end of it.
    if (request.httpVersionMinor === 0) this.socket.resetAndDestroy()
    else this.socket.destroy()
  }

  /** Says the last word, and hears out a downstream that is still sending, or it would never read that word. */
  end(lastWord?: string): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.socket.end(lastWord ?? '', 'latin1')
    const timer = setTimeout(() => this.socket.destroy(), CLOSING_MS)
    timer.unref()
    this.socket.once('close', () => clearTimeout(timer))
  }

  /** Closes after what is open on it. A response whose header went out as keep-alive closes after it. */
  drain(): void {
    if (this.open.length === 0) return
    const last = this.open[this.open.length - 1]
    if (last.drain()) return
    if (last.response.headersSent) last.response.once('finish', () => this.end())
    else last.isLast = true
  }
}
