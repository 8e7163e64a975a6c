import { BlockList, isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'

/**
 * Addresses that nobody on the network may have requests sent to by naming them as endpoints: those of the machine's own link, where
 * clouds keep what they know of it (169.254.169.254 and its like), groups, and none at all.
 */
const forbidden = new BlockList()
forbidden.addSubnet('0.0.0.0', 8)
forbidden.addSubnet('169.254.0.0', 16)
forbidden.addSubnet('224.0.0.0', 3)
forbidden.addAddress('::', 'ipv6')
forbidden.addSubnet('fe80::', 10, 'ipv6')
forbidden.addSubnet('ff00::', 8, 'ipv6')
forbidden.addAddress('fd00:ec2::254', 'ipv6')

/** A machine calls itself by these. */
const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/**
 * Why a place that was heard of is not connected to; undefined: it may be. `admin` is the listener that rules this process. A list takes
 * an IPv6 address that maps an IPv4 one for that one, however it is written: `::ffff:127.0.0.1` is `::ffff:7f00:1` in a url.
 */
export function forbiddenFor(
  host: string,
  port: number,
  admin: { readonly address: string; readonly port: number },
): string | undefined {
  if (isIP(host) !== 0 && isIn(forbidden, host)) return `${host} is no address of an endpoint`
  return port === admin.port && isHere(host, admin.address) ? `${host}:${port} is the admin listener` : undefined
}

/** Whether whoever connects to `host` from here may come to what listens on `address`. */
function isHere(host: string, address: string): boolean {
  if (isIP(host) === 0) return host === address || isNameOfHere(host)
  return isIn(loopback, host) || isIn(listenedOn(address), host)
}

function isNameOfHere(name: string): boolean {
  const asked = name.toLowerCase().replace(/\.$/, '')
  const own = hostname().toLowerCase()
  return /(?:^|\.)localhost$/.test(asked) || asked === own || asked === own.split('.')[0]
}

/** The address itself; of one that stands for all of this machine those that it has now. */
function listenedOn(address: string): BlockList {
  const all = Object.values(networkInterfaces()).flatMap(each => (each ?? []).map(own => own.address))
  const list = new BlockList()
  const isAny = address === '0.0.0.0' || address === '::'
  // Of an address of one's link the interface is no part of it here: `fe80::1%eth0`.
  for (const each of isAny ? all : [address.replace(/%.*/, '')])
    if (isIP(each) !== 0) list.addAddress(each, familyOf(each))
  return list
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}
