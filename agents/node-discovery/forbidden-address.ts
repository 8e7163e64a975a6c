import { BlockList, isIP } from 'node:net'

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

/** Why an address that was heard of is not connected to; undefined: it may be. `admin` is the listener that rules this process. */
export function forbiddenFor(
  host: string,
  port: number,
  admin: { readonly address: string; readonly port: number },
): string | undefined {
  const version = isIP(host)
  if (version === 0) return undefined
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1]
  if (forbidden.check(mapped ?? host, version === 4 || mapped !== undefined ? 'ipv4' : 'ipv6')) {
    return `${host} is no address of an endpoint`
  }
  const isHere = host === admin.address || host === '::1' || (mapped ?? host).startsWith('127.')
  return isHere && port === admin.port ? `${host}:${port} is the admin listener` : undefined
}
