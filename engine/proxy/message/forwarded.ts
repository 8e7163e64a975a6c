import { BlockList, isIPv4 } from 'node:net'
import {
  type Chain,
  type Hop,
  isAddress,
  printAddresses,
  printForwarded,
  printHop,
  readAddresses,
  readForwarded,
} from './hops.ts'

/** A look into the list costs two µs, so answers are kept; not without bound, for addresses come from outside. */
const KNOWN_MAX = 1024

/**
 * Who may say where a request came from. A peer that is not trusted is believed nothing: what it claims in X-Forwarded-*,
 * Forwarded and X-Real-IP is dropped, and its own address is what the upstream is told.
 */
export class TrustedPeers {
  readonly #list = new BlockList()
  readonly #isEmpty: boolean
  readonly #known = new Map<string, boolean>()

  /** CIDRs as the config has them. */
  constructor(ranges: readonly string[]) {
    this.#isEmpty = ranges.length === 0
    for (const range of ranges) {
      const [address, prefix] = range.split('/')
      this.#list.addSubnet(address, Number(prefix), isIPv4(address) ? 'ipv4' : 'ipv6')
    }
  }

  /** `address` is the peer of the socket, as plainAddress gives it. */
  has(address: string): boolean {
    if (this.#isEmpty || address === '') return false
    return this.#known.get(address) ?? this.#learn(address)
  }

  #learn(address: string): boolean {
    const isTrusted = this.#list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
    if (this.#known.size >= KNOWN_MAX) this.#known.clear()
    this.#known.set(address, isTrusted)
    return isTrusted
  }
}

/** The address of a peer, an IPv4 one without the IPv6 clothes a dual-stack socket gives it. Empty when it has gone. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address
}

/** What a trusted peer said, kept aside while its headers were read; undefined where it said nothing. */
export interface Claims {
  xff: string | undefined
  proto: string | undefined
  host: string | undefined
  forwarded: string | undefined
}

/** The peer itself, as its connection shows it. */
export interface Peer {
  readonly remote: string
  /** It speaks TLS to us. */
  readonly isSecure: boolean
}

/** Which fields the upstream is told in. */
export interface ForwardedForms {
  readonly x: boolean
  readonly standard: boolean
}

/**
 * The chain a trusted peer is believed: X-Forwarded-For where it sent one, Forwarded where it sent that alone. Nearly every
 * proxy there is writes the former, and many pass on a Forwarded that they have not read.
 */
function believed({ xff, forwarded }: Claims): Chain | undefined {
  if (xff !== undefined && xff !== '') return readAddresses(xff)
  return forwarded === undefined ? undefined : readForwarded(forwarded)
}

/**
 * The downstream at the beginning of the chain: from the right, the first hop that is not trusted itself. Where the chain
 * ends before, or goes on with something that is no address, it is the last one that was known.
 */
export function clientOf(remote: string, claims: Claims | undefined, trusted: TrustedPeers): string {
  const chain = claims === undefined ? undefined : believed(claims)
  if (chain === undefined) return remote
  const hop = clientHop(chain.hops, trusted)
  return hop?.node ?? remote
}

function clientHop(hops: readonly Hop[], trusted: TrustedPeers): Hop | undefined {
  let last: Hop | undefined
  for (const hop of hops) {
    if (!isAddress(hop.node)) return last
    last = hop
    if (!trusted.has(hop.node)) return last
  }
  return last
}

/** Whether the downstream, or for one behind a trusted peer its client, uses TLS. */
export function isSecureClient(peer: Peer, claims: Claims | undefined, trusted: TrustedPeers): boolean {
  if (peer.isSecure || claims === undefined) return peer.isSecure
  return (claims.proto ?? standardHop(claims, trusted)?.proto) === 'https'
}

/** What Forwarded says of the client, where it is what is believed. */
function standardHop(claims: Claims, trusted: TrustedPeers): Hop | undefined {
  if (claims.forwarded === undefined || (claims.xff !== undefined && claims.xff !== '')) return undefined
  return clientHop(readForwarded(claims.forwarded).hops, trusted)
}

/**
 * Tells the upstream where the request came from: X-Forwarded-For, -Proto and -Host, Forwarded, or both, each with the
 * peer as its last hop. `claims` is undefined for a peer that is not trusted.
 */
export function appendForwarded(
  headers: string[],
  { x, standard }: ForwardedForms,
  peer: Peer,
  host: string,
  claims: Claims | undefined,
  trusted: TrustedPeers,
): void {
  const proto = peer.isSecure ? 'https' : 'http'
  if (x) {
    const hop = claims === undefined ? undefined : standardHop(claims, trusted)
    headers.push(
      'X-Forwarded-For',
      claims === undefined ? peer.remote : joined(addressesBefore(claims), peer.remote),
      'X-Forwarded-Proto',
      claims?.proto ?? (hop?.proto || proto),
      'X-Forwarded-Host',
      claims?.host ?? (hop?.host || host),
    )
  }
  if (standard) {
    const own = printHop(peer.remote === '' ? 'unknown' : peer.remote, host, proto)
    headers.push('Forwarded', claims === undefined ? own : joined(forwardedBefore(claims), own))
  } else if (claims?.forwarded !== undefined && isAgreed(claims)) {
    headers.push('Forwarded', claims.forwarded)
  }
}

const joined = (before: string, own: string): string => (before === '' ? own : `${before}, ${own}`)

function addressesBefore({ xff, forwarded }: Claims): string {
  if (xff !== undefined && xff !== '') return xff
  return forwarded === undefined ? '' : printAddresses(readForwarded(forwarded).hops)
}

/** As it came where it is whole and says what is believed; otherwise what is believed, in this form. */
function forwardedBefore(claims: Claims): string {
  if (claims.forwarded !== undefined && isAgreed(claims)) return claims.forwarded
  const chain = believed(claims)
  return chain === undefined ? '' : printForwarded(chain.hops)
}

/** Whether a Forwarded can be read whole, and names the same nodes as an X-Forwarded-For beside it. */
function isAgreed({ xff, forwarded = '' }: Claims): boolean {
  const { hops, isWhole } = readForwarded(forwarded)
  if (!isWhole) return false
  return xff === undefined || xff === '' || printAddresses(hops) === printAddresses(readAddresses(xff).hops)
}
