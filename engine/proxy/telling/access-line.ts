import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** One request, as its line tells it. */
export interface Access {
  method: string
  host: string
  /** The target as it came, with its query. A line never shows the query. */
  path: string
  /** 0: no response was begun. */
  status: number
  /** Bytes of the response body. */
  bytes: number
  /** Bytes of the request body that were passed on. */
  bytesIn: number
  durationMs: number
  /** From sending to the first byte of the answer, in µs; −1 where the upstream did not answer. */
  firstByteUs: number
  /** Empty where the request reached none. */
  service: string
  /** Name of the route that took it; empty where it has none, or none took it. */
  route: string
  /** Id of the last endpoint; empty where none was picked. */
  endpoint: string
  attempts: number
  /** Why the proxy answered by itself or broke the response off; empty where it did not. */
  reason: string
  /** The peer of the connection. */
  remote: string
  /** The downstream at the beginning of the chain of trusted proxies; the peer where there is none. */
  client: string
  /** Of HTTP, on this connection: 1.0, 1.1 or 2. */
  protocol: string
  /** The peer spoke TLS. */
  isSecure: boolean
  /** Empty where requests have none. */
  requestId: string
  /** Look, and do not touch: its body may be on its way. */
  request: IncomingMessage
}

/** Longest path in a line, in characters. */
const PATH_CHARACTERS = 2048
/** Longest host, and longest value of a header. */
const TEXT_CHARACTERS = 256

/**
 * The line of one request, with its newline: JSON in the shape of pino's, one line of ASCII whatever a stranger sent. `timeMs`
 * is wall-clock time, `sample` the share of its like that get a line, `headers` the request headers to show.
 */
export function line(access: Access, timeMs: number, sample = 1, headers: readonly string[] = []): string {
  const { service, route, endpoint, reason, requestId, firstByteUs } = access
  const query = access.path.indexOf('?')
  const path = query < 0 ? access.path : access.path.slice(0, query)
  let text =
    `{"level":30,"time":${timeMs},"msg":"request","method":"${access.method}","host":${quote(access.host, TEXT_CHARACTERS)},` +
    `"path":${quote(path, PATH_CHARACTERS)},"status":${access.status},"bytes":${access.bytes},` +
    `"bytesIn":${access.bytesIn},"durationMs":${printMs(access.durationMs * 1000)},"attempts":${access.attempts},` +
    `"remote":"${access.remote}","client":"${access.client}","protocol":"${access.protocol}","tls":${access.isSecure}`
  if (firstByteUs >= 0) text += `,"firstByteMs":${printMs(firstByteUs)}`
  if (requestId !== '') text += `,"requestId":${quote(requestId, TEXT_CHARACTERS)}`
  if (route !== '') text += `,"route":"${route}"`
  if (service !== '') text += `,"service":"${service}"`
  if (endpoint !== '') text += `,"endpoint":${quote(endpoint, TEXT_CHARACTERS)}`
  if (reason !== '') text += `,"reason":"${reason}"`
  if (sample < 1) text += `,"sample":${sample}`
  if (headers.length > 0) text += `,"headers":${printHeaders(access.request.headers, headers)}`
  return `${text}}\n`
}

function printHeaders(sent: IncomingHttpHeaders, names: readonly string[]): string {
  let text = ''
  for (const name of names) {
    if (!Object.hasOwn(sent, name)) continue
    const value = sent[name]
    const joined = Array.isArray(value) ? value.join(', ') : (value ?? '')
    text += `${text === '' ? '' : ','}"${name}":${quote(joined, TEXT_CHARACTERS)}`
  }
  return `{${text}}`
}

/** All but visible ASCII and the blank, and what JSON escapes. */
const SPECIAL = /[^ !#-[\]-~]/
const NOT_ASCII = /[\u007f-\uffff]/g

/** A JSON string of at most so many characters, in ASCII: no control of a terminal is left, those above ASCII included. */
function quote(text: string, charactersMax: number): string {
  const cut = text.length > charactersMax ? text.slice(0, charactersMax) : text
  if (!SPECIAL.test(cut)) return `"${cut}"`
  return JSON.stringify(cut).replace(NOT_ASCII, each => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const THOUSANDTHS = Array.from({ length: 1000 }, (_, i) => `.${String(i).padStart(3, '0')}`)

/** µs as ms. By hand, because writing a fraction takes several times as long as writing two whole numbers. */
function printMs(us: number): string {
  const whole = Math.round(us)
  const ms = Math.floor(whole / 1000)
  return ms + THOUSANDTHS[whole - ms * 1000]
}
