import type { IncomingMessage } from 'node:http'
import type { KeySource, PolicyConfig } from '../../config/schema.ts'
import { GOLDEN, hashKey } from '../../memory/hash-key.ts'
import { findPolicy } from '../../policies/registry.ts'
import { cookieOf } from './session-cookie.ts'

/** The hash of a request under a service's policy: what keeps it at its endpoint. Who sent it is found out if that is asked. */
export type HashOf = (request: IncomingMessage, path: string, sender: { readonly client: string }) => number

/**
 * How requests of a service are hashed; undefined where its policy does not look at the hash. A request that lacks what is
 * hashed goes anywhere: where sessions are kept it gets 0, as an empty key does, and is none; elsewhere each such request
 * gets another number.
 */
export function hashOf(policy: PolicyConfig): HashOf | undefined {
  const found = findPolicy(policy.name)
  if (found?.isKeyed !== true) return undefined
  const hash: KeySource = { cookie: cookieOf(policy), ...policy.hash }
  if (hash.source || KEYS.every(key => hash[key] === undefined))
    return (_request, _path, sender) => hashKey(sender.client)
  if (hash.path) return (_request, path) => hashKey(pathOf(path))
  const { header, cookie, query } = hash
  const read = keyReader({ header: header?.toLowerCase(), cookie, query })
  let keyless = 0
  return (request, path) => {
    const key = read(request, path)
    if (key !== undefined) return hashKey(key)
    if (found.keepsSessions === true) return 0
    keyless = (keyless + GOLDEN) | 0
    return keyless
  }
}

const KEYS = ['header', 'cookie', 'query', 'path'] as const

function keyReader(from: {
  header: string | undefined
  cookie: string | undefined
  query: string | undefined
}): (request: IncomingMessage, path: string) => string | undefined {
  const { header, cookie, query } = from
  if (header !== undefined) return ({ headers }) => own(headers, header)
  if (cookie !== undefined) return ({ headers }) => pairValue(headers.cookie ?? '', ';', cookie)
  if (query !== undefined) return (_request, path) => pairValue(queryOf(path), '&', query)
  return () => undefined
}

/** Fields of one name as one text. Only what came in counts, not what objects are born with. */
export function own(headers: IncomingMessage['headers'], name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined
  return Array.isArray(value) ? value.join(', ') : value
}

/** The value of a name in `name=value` pairs, as it is written; the first of several. */
function pairValue(text: string, separator: string, name: string): string | undefined {
  for (const pair of text.split(separator)) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return undefined
}

function pathOf(target: string): string {
  const at = target.indexOf('?')
  return at < 0 ? target : target.slice(0, at)
}

function queryOf(target: string): string {
  const at = target.indexOf('?')
  return at < 0 ? '' : target.slice(at + 1)
}
