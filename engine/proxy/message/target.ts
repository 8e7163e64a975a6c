/** What a request asks for: the path it is routed and sent with, and the host if the target names one. */
export interface Target {
  path: string
  /** The authority of an absolute-form target; it wins over the Host field. */
  authority: string | undefined
}

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is

/**
 * Reads a request target. Origin-form comes back untouched, byte for byte. Absolute-form is split: its authority wins over Host, and
 * what follows is the path. `*` is for OPTIONS alone. Anything else is undefined: malformed. So is a fragment, which never belongs
 * to a request: one reader would cut it off, another would look for it.
 */
export function readTarget(method: string, target: string): Target | undefined {
  if (target.includes('#')) return undefined
  if (target.startsWith('/')) return { path: target, authority: undefined }
  if (target === '*') return method === 'OPTIONS' ? { path: '*', authority: undefined } : undefined
  const found = ABSOLUTE.exec(target)
  if (found === null) return undefined
  const [, authority, rest] = found
  if (!isHost(authority) || hostName(authority) === '') return undefined
  if (rest === '' && method === 'OPTIONS') return { path: '*', authority }
  return { path: rest.startsWith('/') ? rest : `/${rest}`, authority }
}

// uri-host [ ":" port ] of RFC 9110 7.2: a bracketed IP literal or a registered name, never with user information.
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::\d{0,5})?$/

/** Whether the text may be a Host field. The empty one may: a target without authority has it. */
export function isHost(text: string): boolean {
  return HOST.test(text)
}

/** The name in a Host field: in lower case, without port and without the dot of the root. */
export function hostName(host: string): string {
  const end = host.startsWith('[') ? host.indexOf(']') + 1 : host.indexOf(':')
  const name = (end > 0 ? host.slice(0, end) : end === 0 ? '' : host).toLowerCase()
  return name.endsWith('.') ? name.slice(0, -1) : name
}
