import { isIPv6 } from 'node:net'
import { isHostName } from './address.ts'
import type { Reading } from './leaf.ts'
import { PATH } from './names.ts'
import { show } from './wording.ts'

/** The beginning of a path, for a route. */
export function readRoutePath(text: string): Reading<string> {
  if (!PATH.test(text)) return { fault: `${show(text)} is not a path; write a path that begins with /, such as /v1/` }
  if (/[?#]/.test(text)) return { fault: `${show(text)} has a query or fragment; routes match the path alone` }
  if (text.includes('*'))
    return { fault: `${show(text)} has a wildcard; a path matches by how it begins, so leave the * out` }
  return { value: text }
}

/** The host of a route, in lower case. */
export function readRouteHost(text: string): Reading<string> {
  const host = text.toLowerCase()
  if (isHostName(host)) return { value: host }
  if (host.startsWith('[') && host.endsWith(']') && isIPv6(host.slice(1, -1))) return { value: host }
  if (host.includes('*')) return { fault: `${show(text)} has a wildcard; write each host in a route of its own` }
  if (/:\d+$/.test(host))
    return { fault: `${show(text)} has a port; a route matches the host alone, so leave the port out` }
  if (isIPv6(host)) return { fault: `${show(text)} has no brackets; write "[${host}]"` }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII.
  if (/[^\u0000-\u007f]/.test(host)) return { fault: `${show(text)} is not ASCII; write the host in its xn-- form` }
  return { fault: `${show(text)} is not a host; write a host name such as api.example.com` }
}
