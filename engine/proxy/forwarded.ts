import { BlockList, isIPv4 } from 'node:net'

/**
 * Who may say where a request came from. A peer that is not trusted is believed nothing: what it claims in X-Forwarded-*,
 * Forwarded and X-Real-IP is dropped, and its own address is what the upstream is told.
 */
export class TrustedPeers {
  readonly #list = new BlockList()
  readonly #isEmpty: boolean

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
    return this.#list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
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
}

/** Appends X-Forwarded-For, -Proto and -Host. `claims` is undefined for a peer that is not trusted. */
export function appendForwarded(headers: string[], remote: string, host: string, claims: Claims | undefined): void {
  const chain = claims?.xff
  headers.push(
    'X-Forwarded-For',
    chain === undefined || chain === '' ? remote : `${chain}, ${remote}`,
    'X-Forwarded-Proto',
    claims?.proto ?? 'http',
    'X-Forwarded-Host',
    claims?.host ?? host,
  )
}
