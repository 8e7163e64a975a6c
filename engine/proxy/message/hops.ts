import { isIP } from 'node:net'

/**
 * Chains of who passed a request on, as X-Forwarded-For and Forwarded (RFC 7239) write them.
 *
 *   X-Forwarded-For: 192.0.2.1, 2001:db8::2, 10.0.0.3        each adds itself on the right
 *   Forwarded: for=192.0.2.1;proto=https, for="[2001:db8::2]:4711", for=_hidden
 *
 * They are read from the right: the rightmost hop was written by the peer we talk to, what is left of it by who knows whom.
 * So nothing on the left, an open quote least of all, can change what is read on the right, and reading ends at the first
 * hop that is malformed, with what stands right of it.
 */
export interface Hop {
  /** An IP address without port and brackets; "unknown", or an obfuscated name that begins with _. */
  readonly node: string
  /** Empty where it is not said. */
  readonly proto: string
  /** Empty where it is not said. */
  readonly host: string
}

/** Further hops are not read: no path is that long, but a loop is. */
export const HOPS_MAX = 32

/** What was read of a chain, the nearest hop first. */
export interface Chain {
  readonly hops: readonly Hop[]
  /** The chain was read to its beginning. */
  readonly isWhole: boolean
}

/** Reads X-Forwarded-For; several fields joined by commas. Never throws. */
export function readAddresses(text: string): Chain {
  const hops: Hop[] = []
  let end = text.length
  while (end > 0) {
    const comma = text.lastIndexOf(',', end - 1)
    const written = text.slice(comma + 1, end).trim()
    end = comma
    if (written === '') continue
    const node = readNode(written)
    if (node === '' || hops.length === HOPS_MAX) return { hops, isWhole: false }
    hops.push({ node, proto: '', host: '' })
  }
  return { hops, isWhole: true }
}

/** Reads Forwarded; several fields joined by commas. Never throws. */
export function readForwarded(text: string): Chain {
  const hops: Hop[] = []
  let end = text.length
  for (;;) {
    end = skipBack(text, end, ' \t,')
    if (end === 0) return { hops, isWhole: true }
    const element = readElement(text, end)
    if (element === undefined || hops.length === HOPS_MAX) return { hops, isWhole: false }
    hops.push(element.hop)
    end = element.start
  }
}

/** The element that ends at `end`, and where it starts; undefined where it is malformed or names no node. */
function readElement(text: string, end: number): { hop: Hop; start: number } | undefined {
  const found = new Map<string, string>()
  let at = end
  for (;;) {
    const value = readValue(text, at)
    if (value === undefined || text[value.start - 1] !== '=') return undefined
    const start = tokenStart(text, value.start - 1)
    const name = text.slice(start, value.start - 1).toLowerCase()
    if (name === '' || found.has(name)) return undefined
    found.set(name, value.text)
    at = skipBack(text, start, ' \t')
    if (at === 0 || text[at - 1] === ',') break
    if (text[at - 1] !== ';') return undefined
    at = skipBack(text, at - 1, ' \t')
  }
  const node = readNode(found.get('for') ?? '')
  if (node === '') return undefined
  return { hop: { node, proto: schemeOf(found.get('proto')), host: found.get('host') ?? '' }, start: at }
}

/** A token, or a quoted text, that ends at `end`. */
function readValue(text: string, end: number): { text: string; start: number } | undefined {
  if (text[end - 1] !== '"') {
    const start = tokenStart(text, end)
    return start === end ? undefined : { text: text.slice(start, end), start }
  }
  // A quote in a quoted text has a backslash before it: the one behind an = that is not the closing one is the opening one.
  const start = end < 3 ? -1 : text.lastIndexOf('="', end - 3) + 1
  if (start <= 0) return undefined
  const inside = text.slice(start + 1, end - 1)
  return QUOTED.test(inside) ? { text: inside.replace(/\\(.)/g, '$1'), start } : undefined
}

const QUOTED = /^(?:[^"\\]|\\.)*$/

const isTokenCode = new Uint8Array(128)
for (const code of Buffer.from("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")) {
  isTokenCode[code] = 1
}

function tokenStart(text: string, end: number): number {
  let at = end
  while (at > 0 && isTokenCode[text.charCodeAt(at - 1)] === 1) at--
  return at
}

function skipBack(text: string, end: number, characters: string): number {
  let at = end
  while (at > 0 && characters.includes(text[at - 1])) at--
  return at
}

function schemeOf(proto: string | undefined): string {
  return proto !== undefined && /^[a-z][a-z0-9+.-]{0,15}$/i.test(proto) ? proto.toLowerCase() : ''
}

/** A node as either field may write it, without its port; empty where it is none. */
function readNode(written: string): string {
  if (isIP(written) !== 0) return plainNode(written)
  if (/^(?:unknown|_[\w.-]{1,64})$/i.test(written)) return written.startsWith('_') ? written : 'unknown'
  const found = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::(?:\d{1,5}|_[\w.-]{1,64}))?$/i.exec(written)
  if (found === null) return ''
  const [, six, four] = found
  if (six !== undefined) return isIP(six) === 6 ? plainNode(six) : ''
  return isIP(four) === 4 ? four : ''
}

/** In lower case, an IPv4 address out of its IPv6 clothes; empty with a zone, which says nothing outside its machine. */
function plainNode(address: string): string {
  const lower = address.toLowerCase()
  if (lower.includes('%')) return ''
  return lower.startsWith('::ffff:') && isIP(lower.slice(7)) === 4 ? lower.slice(7) : lower
}

/** Whether a node is an address: neither "unknown" nor obfuscated. */
export function isAddress(node: string): boolean {
  return isIP(node) !== 0
}

/** Hops as X-Forwarded-For writes them, which has no word for an obfuscated one. */
export function printAddresses(hops: readonly Hop[]): string {
  let text = ''
  for (let i = hops.length - 1; i >= 0; i--) {
    const { node } = hops[i]
    text += `${text === '' ? '' : ', '}${isAddress(node) ? node : 'unknown'}`
  }
  return text
}

/** Hops as Forwarded writes them. */
export function printForwarded(hops: readonly Hop[]): string {
  let text = ''
  for (let i = hops.length - 1; i >= 0; i--) {
    text += `${text === '' ? '' : ', '}${printHop(hops[i].node, hops[i].host, hops[i].proto)}`
  }
  return text
}

/** One element of Forwarded. An IPv6 address stands in brackets and quotes. */
export function printHop(node: string, host: string, proto: string): string {
  let text = node.includes(':') ? `for="[${node}]"` : `for=${node}`
  if (host !== '') text += `;host=${printValue(host)}`
  if (proto !== '') text += `;proto=${proto}`
  return text
}

function printValue(value: string): string {
  return tokenStart(value, value.length) === 0 ? value : `"${value.replace(/["\\]/g, '\\$&')}"`
}
