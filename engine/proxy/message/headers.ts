import type { Claims } from './forwarded.ts'
import { bySpelling } from './spellings.ts'

/**
 * What passes and what is dropped, both ways, over raw header arrays [name, value, name, value, …]. Order, case and
 * duplicates of what passes are kept.
 *
 * Framing is never copied: Content-Length passes as one parsed value, Transfer-Encoding never. Fields of one connection
 * (RFC 9110 7.6.1) stop here, and so does what a Connection field names, with one exception: it cannot take out
 * END_TO_END, or a downstream could strip what the next hop relies on.
 */

const PASS = 0
const DROP = 1
const HOST = 2
const CONTENT_LENGTH = 3
const TRANSFER_ENCODING = 4
const TE = 5
const X_FORWARDED_FOR = 6
const X_FORWARDED_PROTO = 7
const X_FORWARDED_HOST = 8
/** Other claims about where a request came from: believed from trusted peers alone. */
const CLAIM = 9
const CONNECTION = 10
const FORWARDED = 11
const REQUEST_ID = 12

const KINDS = new Map<string, number>([
  ['connection', CONNECTION],
  ['keep-alive', DROP],
  ['proxy-connection', DROP],
  ['proxy-authenticate', DROP],
  ['proxy-authorization', DROP],
  ['proxy-authentication-info', DROP],
  ['upgrade', DROP],
  ['http2-settings', DROP],
  ['expect', DROP],
  ['te', TE],
  ['trailer', DROP],
  ['host', HOST],
  ['content-length', CONTENT_LENGTH],
  ['transfer-encoding', TRANSFER_ENCODING],
  ['x-forwarded-for', X_FORWARDED_FOR],
  ['x-forwarded-proto', X_FORWARDED_PROTO],
  ['x-forwarded-host', X_FORWARDED_HOST],
  ['forwarded', FORWARDED],
  ['x-real-ip', CLAIM],
  ['x-request-id', REQUEST_ID],
])

/** Fields that a Connection field cannot take out. */
const END_TO_END = new Set(
  'authorization,cache-control,content-encoding,content-length,content-range,content-type,cookie,date,forwarded,host,set-cookie,transfer-encoding,vary,via,x-forwarded-for,x-forwarded-host,x-forwarded-proto,x-real-ip,x-request-id'.split(
    ',',
  ),
)

const kindOf = bySpelling(name => {
  const lower = name.toLowerCase()
  return KINDS.get(lower) ?? (lower.startsWith('x-forwarded-') ? CLAIM : PASS)
})

/** The names a Connection field takes out; undefined where it names none, which is nearly always. */
export function nominated(connection: string | undefined): Set<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined
  let names: Set<string> | undefined
  for (const token of connection.toLowerCase().split(',')) {
    const name = token.trim()
    if (name === '' || name === 'close' || name === 'keep-alive' || END_TO_END.has(name)) continue
    names ??= new Set()
    names.add(name)
  }
  return names
}

/** The request header on its way up, and what was learned on the way through it. */
export interface RequestHead {
  headers: string[]
  /** Bytes of all names and values, with what separates them. */
  bytes: number
  /** Host fields found. */
  hosts: number
  host: string
  /** The Transfer-Encoding as it came; undefined without one. */
  coding: string | undefined
  /** The one Content-Length; empty without one. */
  length: string
  /** What a trusted peer claimed; undefined for any other. */
  claims: Claims | undefined
  /** X-Request-Id fields found, and where in `headers` the first one stands; −1 without one. */
  requestIds: number
  requestIdAt: number
  /** The Connection fields, joined; undefined without one. */
  connection: string | undefined
}

/**
 * Reads the header of a request into what goes upstream. Host, X-Forwarded-* and Via are left to the caller; Host is
 * never taken over here, so that there is one at most.
 */
export function readRequestHead(raw: readonly string[], isTrusted: boolean): RequestHead {
  const head = readFields(raw, isTrusted, undefined)
  const named = nominated(head.connection)
  return named === undefined ? head : readFields(raw, isTrusted, named)
}

function readFields(raw: readonly string[], isTrusted: boolean, named: Set<string> | undefined): RequestHead {
  const headers: string[] = []
  const head: RequestHead = {
    headers,
    bytes: 0,
    hosts: 0,
    host: '',
    coding: undefined,
    length: '',
    claims: isTrusted ? { xff: undefined, proto: undefined, host: undefined, forwarded: undefined } : undefined,
    requestIds: 0,
    requestIdAt: -1,
    connection: undefined,
  }
  let bytes = 0
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]
    const value = raw[i + 1]
    bytes += name.length + value.length + 4
    const kind = kindOf(name)
    if (kind === PASS) {
      if (named === undefined || !named.has(name.toLowerCase())) headers.push(name, value)
    } else if (kind !== DROP) {
      takeSpecial(head, kind, name, value)
    }
  }
  head.bytes = bytes
  return head
}

function takeSpecial(head: RequestHead, kind: number, name: string, value: string): void {
  const { headers, claims } = head
  switch (kind) {
    case HOST:
      head.hosts++
      head.host = value
      return
    case CONTENT_LENGTH:
      head.length = value
      headers.push(name, value)
      return
    case TRANSFER_ENCODING:
      head.coding = head.coding === undefined ? value : `${head.coding}, ${value}`
      return
    case CONNECTION:
      head.connection = head.connection === undefined ? value : `${head.connection}, ${value}`
      return
    case TE:
      if (/(?:^|,)\s*trailers\s*(?:,|;|$)/i.test(value)) headers.push(name, 'trailers')
      return
    case REQUEST_ID:
      if (head.requestIds++ === 0) head.requestIdAt = headers.length
      headers.push(name, value)
      return
  }
  if (claims === undefined) return
  if (kind === X_FORWARDED_FOR) claims.xff = claims.xff === undefined ? value : `${claims.xff}, ${value}`
  else if (kind === X_FORWARDED_PROTO) claims.proto ??= value
  else if (kind === X_FORWARDED_HOST) claims.host ??= value
  else if (kind === FORWARDED)
    claims.forwarded = claims.forwarded === undefined ? value : `${claims.forwarded}, ${value}`
  else if (kind === CLAIM) headers.push(name, value)
}

/** The response header on its way down. */
export interface ResponseHead {
  headers: string[]
  /** The declared length of the body in bytes; −1 where none is. */
  length: number
}

/** Reads the raw header of a response into what goes downstream. `mayHaveLength` is false for 1xx and 204. */
export function readResponseHead(raw: readonly string[], mayHaveLength: boolean): ResponseHead {
  const headers: string[] = []
  let length = -1
  let connection: string | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]
    const kind = kindOf(name)
    if (kind === DROP) continue
    const value = raw[i + 1]
    if (kind === CONNECTION) {
      connection = connection === undefined ? value : `${connection}, ${value}`
    } else if (kind === CONTENT_LENGTH) {
      if (!mayHaveLength) continue
      length = Number(value)
      headers.push(name, value)
    } else if (kind !== TRANSFER_ENCODING) {
      headers.push(name, value)
    }
  }
  const named = nominated(connection)
  return { headers: named === undefined ? headers : without(headers, named), length }
}

/** The header of a 101 on its way down; undefined where the endpoint goes on in another protocol than the one that was asked for. */
export function readUpgradeHead(raw: readonly string[], protocol: string): string[] | undefined {
  let agreed = ''
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i].toLowerCase() === 'upgrade') agreed = raw[i + 1]
  }
  if (protocol === '' || agreed.toLowerCase() !== protocol.toLowerCase()) return undefined
  return ['Connection', 'Upgrade', 'Upgrade', agreed, ...readResponseHead(raw, false).headers]
}

function without(headers: string[], named: Set<string>): string[] {
  const kept: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    if (!named.has(headers[i].toLowerCase())) kept.push(headers[i], headers[i + 1])
  }
  return kept
}

/** Fields that mean something before the body or not at all (RFC 9110 6.5.1): how to read it, who may, what is asked. */
const BEFORE_BODY = new Set(
  'age,authorization,cache-control,content-encoding,content-range,content-type,cookie,date,expires,location,max-forwards,pragma,range,retry-after,set-cookie,vary,warning,www-authenticate'.split(
    ',',
  ),
)

/** Whether a field may be a trailer: no framing, no routing, nothing of the connection, and nothing that comes too late there. */
export function isTrailer(name: string): boolean {
  return kindOf(name) === PASS && !BEFORE_BODY.has(name.toLowerCase())
}

/** Trailers that may follow a message: no framing, no routing, nothing of the connection. */
export function readTrailers(raw: readonly string[]): [string, string][] {
  const trailers: [string, string][] = []
  for (let i = 0; i < raw.length; i += 2) {
    if (isTrailer(raw[i])) trailers.push([raw[i], raw[i + 1]])
  }
  return trailers
}
