import { METHODS } from 'node:http'
import { isIPv6 } from 'node:net'
import { isHostName } from './address.ts'
import { decodePath, hasDots, PATH } from './canonical-path.ts'
import type { Reading } from './leaf.ts'
import { readCaptures } from './path-pattern.ts'
import { notOneOf, show } from './wording.ts'

/** The texts a route is written with: what it matches by, and what it puts in the place of that. */

/** The beginning of a path, for a route. */
export function readRoutePath(text: string): Reading<string> {
  return readMatchedPath(text, '/v1/') ?? { value: text }
}

/** A whole path, for a route. */
export function readExactPath(text: string): Reading<string> {
  const fault = readMatchedPath(text, '/status')
  if (fault !== undefined) return fault
  if (/[{}]/.test(text)) return { fault: `${show(text)} has a { or }; write it as pathPattern` }
  return readLastDots(text) ?? { value: text }
}

/** A pattern of whole segments, for a route. */
export function readPathPattern(text: string): Reading<string> {
  return readMatchedPath(text, '/users/{id}') ?? readLastDots(text) ?? readCaptures(text)
}

/** Why a text matches no path at all; undefined where it may. */
function readMatchedPath(text: string, example: string): { fault: string } | undefined {
  if (!PATH.test(text))
    return { fault: `${show(text)} is not a path; write a path that begins with /, such as ${example}` }
  if (/[?#]/.test(text)) return { fault: `${show(text)} has a query or fragment; routes match the path alone` }
  if (text.includes('*'))
    return { fault: `${show(text)} has a wildcard; a path matches by how it begins, so leave the * out` }
  if (decodePath(text) === '') {
    return {
      fault: `${show(text)} can be read in two ways, and such a path is on no route; write it without \\, %2F, %5C`,
    }
  }
  // At its end a dot may be the beginning of a name: "/." begins "/.well-known".
  return readLastDots(text.slice(0, text.lastIndexOf('/') + 1))
}

function readLastDots(text: string): { fault: string } | undefined {
  if (!hasDots(text)) return undefined
  return { fault: `${show(text)} has a dot segment; requests are matched without them, so write where it leads` }
}

/** A path that takes the place of another, or of its beginning. */
export function readNewPath(text: string): Reading<string> {
  if (!PATH.test(text)) return { fault: `${show(text)} is not a path; write a path that begins with /, such as /v2/` }
  if (/[?#]/.test(text)) return { fault: `${show(text)} has a query or fragment; the query of the request is kept` }
  if (/[{}]/.test(text)) return { fault: `${show(text)} has a { or }; what a pattern took cannot be put in here` }
  if (decodePath(text) === '' || text.startsWith('//')) {
    return { fault: `${show(text)} can be read in two ways; write it with single slashes and without \\, %2F, %5C` }
  }
  if (hasDots(text)) return { fault: `${show(text)} has a dot segment; write where it leads` }
  return { value: text }
}

/** The host of a route, in lower case: a name, an address in brackets, or `*.` and a name. */
export function readRouteHost(text: string): Reading<string> {
  const host = text.toLowerCase()
  if (isPlainHost(host)) return { value: host }
  if (host.startsWith('*.') && isHostName(host.slice(2)) && !/^[\d.]+$/.test(host.slice(2))) return { value: host }
  if (host === '*') return { fault: `${show(text)} takes every host; leave host out` }
  if (host.includes('*'))
    return { fault: `${show(text)} has a wildcard that is not its first label; write *.example.com, or each host` }
  return { fault: hostFault(text, 'a route matches the host alone, so leave the port out') }
}

/** A host alone, in lower case. */
export function readNewHost(text: string): Reading<string> {
  const host = text.toLowerCase()
  return isPlainHost(host) ? { value: host } : { fault: hostFault(text, 'write it as port') }
}

/** A host with or without a port, as a Host field has it. */
export function readAuthority(text: string): Reading<string> {
  const authority = text.toLowerCase()
  const port = /:(\d{1,5})$/.exec(authority)
  const host = port === null || isIPv6(authority) ? authority : authority.slice(0, port.index)
  if (port !== null && Number(port[1]) > 65535) return { fault: `${show(text)} has a port above 65535` }
  return isPlainHost(host) ? { value: authority } : { fault: hostFault(text, '') }
}

/** Whether the text is a host in the spelling of a Host field: a name or an address, IPv6 in brackets. */
export function isPlainHost(host: string): boolean {
  return isHostName(host) || (host.startsWith('[') && host.endsWith(']') && isIPv6(host.slice(1, -1)))
}

function hostFault(text: string, portWish: string): string {
  const host = text.toLowerCase()
  if (portWish !== '' && /:\d+$/.test(host) && !isIPv6(host)) return `${show(text)} has a port; ${portWish}`
  if (isIPv6(host)) return `${show(text)} has no brackets; write "[${host}]"`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII.
  if (/[^\u0000-\u007f]/.test(host)) return `${show(text)} is not ASCII; write the host in its xn-- form`
  return `${show(text)} is not a host; write a host name such as api.example.com`
}

/** A method that can come in on a route. */
export function readMethod(text: string): Reading<string> {
  // A tunnel is no request to anybody behind us.
  const known = METHODS.filter(method => method !== 'CONNECT')
  return known.includes(text) ? { value: text } : { fault: notOneOf(text, 'a method', known, COMMON_METHODS) }
}

const COMMON_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
