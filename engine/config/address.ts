import { isIP, isIPv6 } from 'node:net'
import type { Reading } from './leaf.ts'
import { show } from './wording.ts'

/** Where to listen. `address` is an IP address or a host name, an IPv6 address without its brackets. */
export interface ListenAddress {
  address: string
  /** 0 asks the system for any free port. */
  port: number
}

/** The host used where only a port is written: opening a listener to the world is a decision, so it has to be spelled out. */
const DEFAULT_HOST = '127.0.0.1'

const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/

/** Whether the text is a host name or an IPv4 address in ordinary spelling: no brackets, no port, no trailing dot. */
export function isHostName(text: string): boolean {
  // Labels of digits and dots alone are an attempt at an IPv4 address, and only a right one counts.
  return HOST_NAME.test(text) && (!/^[\d.]+$/.test(text) || isIP(text) === 4)
}

/** `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, `:8080` or `8080` → host and port. */
export function readListenAddress(text: string): Reading<ListenAddress> {
  const found = /^(?:(\[[^\]]*\]|[^:]*):)?(\d+)$/.exec(text)
  if (!found) return { fault: listenFault(text) }
  const port = Number(found[2])
  if (port > 65535) return { fault: `${show(text)} has a port above 65535; write a port from 0 to 65535` }
  const host = found[1] ?? ''
  if (host === '') return { value: { address: DEFAULT_HOST, port } }
  if (host === '*')
    return { fault: `${show(text)} has no host; write 0.0.0.0:${port} or [::]:${port} for every interface` }
  if (host.startsWith('[')) {
    const address = host.slice(1, -1)
    return isIPv6(address) ? { value: { address, port } } : { fault: `${show(host)} is not an IPv6 address` }
  }
  if (!isHostName(host)) return { fault: `${show(host)} is not a host; write an IP address or a host name` }
  return { value: { address: host, port } }
}

function listenFault(text: string): string {
  const lastColon = text.lastIndexOf(':')
  const [host, port] = [text.slice(0, lastColon), text.slice(lastColon + 1)]
  if (isIPv6(host)) return `${show(text)} is ambiguous; write an IPv6 address in brackets, as in "[${host}]:${port}"`
  if (isHostName(text) || isIP(text) !== 0) {
    return `${show(text)} has no port; write ${isIPv6(text) ? `[${text}]` : text}:8080`
  }
  return `${show(text)} is not an address to listen on; write host:port, as in 127.0.0.1:8080`
}

/** The inverse of `readListenAddress`. */
export function printListenAddress({ address, port }: ListenAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** Whether nothing outside this machine can reach the address. A host name other than `localhost` might resolve to anything. */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}

/** The URL of an endpoint → its origin, such as `http://10.0.0.1:8080`. Never repeats the URL when it carries credentials. */
export function readEndpointUrl(text: string): Reading<string> {
  if (!/^[a-z]+:\/\/[^/\\]/i.test(text) || !URL.canParse(text)) return { fault: urlFault(text) }
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') {
    return { fault: 'carries a user name or password; credentials in an endpoint url are not sent, so leave them out' }
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return { fault: urlFault(text) }
  if (url.port === '0') return { fault: `${show(text)} has port 0; write the port the endpoint listens on` }
  if (url.search !== '' || url.hash !== '' || /[?#]/.test(text)) {
    return { fault: `${show(text)} has a query or fragment; write ${url.origin}` }
  }
  if (url.pathname !== '/')
    return { fault: `${show(text)} has a path; requests keep their own, so write ${url.origin}` }
  return { value: url.origin }
}

function urlFault(text: string): string {
  // A text that does not parse may still hold a password, so only its harmless spellings are repeated.
  if (text.includes('@')) return 'is not a url; write http://host:port'
  if (/^[A-Za-z0-9._-]+:\d+$/.test(text)) return `${show(text)} has no scheme; write http://${text}`
  return `${show(text)} is not an endpoint url; write http://host:port or https://host:port`
}

/** The id of an endpoint that was given none: `host:port`, an IPv6 host without its brackets. */
export function defaultEndpointId(origin: string): string {
  const url = new URL(origin)
  return `${url.hostname.replace(/^\[|\]$/g, '')}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`
}

/** An IP address or CIDR → a CIDR: a lone address gets the full prefix length. */
export function readCidr(text: string): Reading<string> {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  const bitsMax = version === 4 ? 32 : 128
  if (version === 0 || rest.length > 0 || address.includes('%')) {
    return { fault: `${show(text)} is not an address range; write a CIDR such as 10.0.0.0/8` }
  }
  if (prefix === undefined) return { value: `${address}/${bitsMax}` }
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bitsMax) {
    return { fault: `${show(text)} has a wrong prefix length; write ${address}/0 to ${address}/${bitsMax}` }
  }
  return { value: `${address}/${Number(prefix)}` }
}
