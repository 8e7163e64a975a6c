import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { BlockList, isIPv6 } from 'node:net'
import { Refusal } from './answer.ts'
import { WrongTokens } from './wrong-tokens.ts'

/**
 * A token of so many characters is not guessed where dice have thrown it: even of hexadecimal digits there are 2^64, and at 20,000 guesses
 * a second it takes ten million years to try half of them.
 */
const UNGUESSED_MIN = 16

/** What a route asks of who calls it: nothing, the right to read, or the right to change. */
export type Need = 'open' | 'read' | 'change'

export interface GateOptions {
  /** The address listened on and its port. */
  address: string
  port: number
  /** Whether the address can be reached from this machine alone. */
  isLoopback: boolean
  /** Empty: none is set. */
  token: string
}

/**
 * Who may come in.
 *
 *                       loopback listener                          any other listener (has a token, or did not start)
 *   open                Host is ours                               anybody
 *   read                Host is ours, no foreign Origin            token, no foreign Origin
 *   change              the same, and the token; where none is     token, no foreign Origin
 *                       set, a peer on loopback
 *
 * The Host check stops DNS rebinding: a page of evil.example whose name was pointed at 127.0.0.1 sends its own name. On
 * another listener we cannot know our names, and the token stands in for it. The Origin check stops forged posts.
 */
export class Gate {
  #options: GateOptions
  readonly #hosts: ReadonlySet<string>
  readonly #wrongTokens = new WrongTokens()
  readonly #key = randomBytes(32)
  #tokenMac: Buffer

  constructor(options: GateOptions) {
    this.#options = options
    this.#hosts = hostsOf(options)
    this.#tokenMac = this.#mac(options.token)
  }

  setToken(token: string): void {
    this.#options = { ...this.#options, token }
    this.#tokenMac = this.#mac(token)
  }

  /** Throws a Refusal when the Host of a request is not ours: the first thing asked, whatever the path. */
  checkHost(request: IncomingMessage): void {
    const hosts = request.headersDistinct.host ?? []
    if (hosts.length > 1 || (hosts.length === 0 && request.httpVersion !== '1.0')) {
      throw new Refusal(
        400,
        'SBX_ADMIN_INVALID',
        `Cannot answer: the request has ${hosts.length} Host headers, send one`,
      )
    }
    if (!this.#options.isLoopback) return
    const host = hosts[0]?.toLowerCase() ?? ''
    if (this.#hosts.has(host)) return
    throw forbidden(`Cannot answer: Host ${show(host)} is not this listener, use one of ${[...this.#hosts].join(', ')}`)
  }

  /** Throws a Refusal when who sent the request may not do what the route needs. */
  check(request: IncomingMessage, need: Need): void {
    if (need === 'open') return
    this.#checkOrigin(request, need)
    const { isLoopback, token } = this.#options
    if (need === 'read' && isLoopback) return
    if (token !== '') this.#checkToken(request)
    else if (!isLoopbackPeer(request.socket.remoteAddress)) {
      throw forbidden(
        'Cannot change anything: no token is set, so changes are accepted from loopback alone; set admin.token',
      )
    }
  }

  #checkOrigin(request: IncomingMessage, need: Need): void {
    const { origin } = request.headers
    if (origin !== undefined && !this.#isOwnOrigin(origin, request.headers.host ?? '')) {
      throw forbidden(`Cannot answer: Origin ${show(origin)} is not this listener, open its own page instead`)
    }
    // Browsers that send it say where a request began even where they leave Origin out.
    const site = request.headers['sec-fetch-site']
    if (need === 'change' && site !== undefined && site !== 'same-origin' && site !== 'none') {
      throw forbidden('Cannot change anything: the request was begun by a page of another site')
    }
  }

  #isOwnOrigin(origin: string, host: string): boolean {
    const [scheme, authority] = origin.toLowerCase().split('://')
    if (authority === undefined || authority !== host.toLowerCase()) return false
    // Another listener may have TLS ended in front of it; what reaches loopback is what the browser sent.
    return scheme === 'http' || (scheme === 'https' && !this.#options.isLoopback)
  }

  /**
   * The right token passes, whatever else came from its peer: behind a proxy all have one address, and whoever sends wrong ones there would
   * lock the operator out. Then it is the token itself that keeps guessing hopeless, so this is for one that is too long to be guessed;
   * a shorter one is looked at no more once too many wrong ones came.
   */
  #checkToken(request: IncomingMessage): void {
    const [, given] = /^Bearer +([!-~]+) *$/i.exec(request.headers.authorization ?? '') ?? []
    const isRight = given !== undefined && timingSafeEqual(this.#mac(given), this.#tokenMac)
    if (isRight && this.#options.token.length >= UNGUESSED_MIN) return
    const peer = request.socket.remoteAddress ?? ''
    const waitS = this.#wrongTokens.waitS(peer)
    if (waitS > 0) {
      throw new Refusal(
        429,
        'SBX_ADMIN_FORBIDDEN',
        `Cannot check the token: too many wrong ones came from here, wait ${waitS} s, as the right one need not where it has ${UNGUESSED_MIN} characters or more`,
        {
          'retry-after': String(waitS),
        },
      )
    }
    if (isRight) return
    if (given !== undefined) this.#wrongTokens.count(peer)
    throw new Refusal(
      401,
      'SBX_ADMIN_FORBIDDEN',
      given === undefined
        ? 'Cannot answer: a token is needed, send "Authorization: Bearer TOKEN" with the one of admin.token'
        : 'Cannot answer: the token is not the one of admin.token',
      { 'www-authenticate': 'Bearer realm="signalbox"' },
    )
  }

  /** Of equal length whatever is compared, so that the time it takes says nothing of the token. */
  #mac(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest()
  }
}

/** What Host may say on a loopback listener; the port may be missing where it is the scheme's own. */
function hostsOf({ address, port }: GateOptions): Set<string> {
  const names = new Set([isIPv6(address) ? `[${address}]` : address.toLowerCase(), 'localhost', '127.0.0.1', '[::1]'])
  const hosts = new Set<string>()
  for (const name of names) {
    hosts.add(`${name}:${port}`)
    if (port === 80) hosts.add(name)
  }
  return hosts
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether the other end of a connection is on this machine. An IPv4 peer of an IPv6 socket counts as the IPv4 it is. */
export function isLoopbackPeer(address: string | undefined): boolean {
  if (address === undefined) return false
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
  return LOOPBACK.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
}

function forbidden(message: string): Refusal {
  return new Refusal(403, 'SBX_ADMIN_FORBIDDEN', message)
}

function show(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}
