import { type Field, type Request, readRequests, valuesOf } from './message.ts'

/** Good requests with one byte wrong, and what a strict reader takes each of them for. */

/** What a byte is replaced by: what ends lines, separates words, or looks like a digit, a letter or a blank to somebody. */
const HOSTILE_BYTES = [...'\0\t\n\r :;,0"-A\x0b\x85']

/** Where one of these were taken for a request of its own, the body had been taken for less than it is. */
const smuggled = (id: string): string => `GET /smuggled-${id} HTTP/1.1\r\nHost: a.example\r\nX-Id: ${id}\r\n\r\n`

/** What follows each, on the same connection and in the same write. */
const behind = (id: string): string =>
  `GET /behind-${id} HTTP/1.1\r\nHost: a.example\r\nX-Id: ${id}\r\nConnection: close\r\n\r\n`

/** Each by its id, which stands in it more than once: a byte that is wrong in one place leaves the others. */
const GOOD: readonly ((id: string) => string)[] = [
  id => `GET /meant-${id}?x=1 HTTP/1.1\r\nHost: a.example\r\nX-Id: ${id}\r\nX-A: b\r\n\r\n`,
  id =>
    `GET http://b.example/meant-${id} HTTP/1.1\r\nHost: a.example\r\nConnection: X-B\r\nX-Id: ${id}\r\nX-B: c\r\n\r\n`,
  id => {
    const body = smuggled(id)
    return `POST /meant-${id} HTTP/1.1\r\nHost: a.example\r\nX-Id: ${id}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  },
  id => {
    const body = smuggled(id)
    return `PUT /meant-${id} HTTP/1.0\r\nHost: a.example\r\nX-Id: ${id}\r\nConnection: keep-alive\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  },
  id => {
    const body = smuggled(id)
    return `POST /meant-${id} HTTP/1.1\r\nHost: a.example\r\nX-Id: ${id}\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
  },
  id =>
    `POST /meant-${id} HTTP/1.1\r\nHost: a.example\r\nX-Id: ${id}\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX-T: u\r\n\r\n`,
]

/** The bytes of a connection each. */
export function mutants(): string[] {
  const made: string[] = []
  const nextId = (): string => String(10_000 + made.length)
  for (const good of GOOD) {
    const { length } = good(nextId())
    const plain = bodyOf(good(nextId()))
    for (let at = 0; at < length; at++) {
      // Within a body all bytes are alike; only their number matters.
      const isBody = at >= plain.start && at < plain.end
      for (const change of isBody ? ['delete', 'double'] : ['delete', 'double', ...HOSTILE_BYTES]) {
        const id = nextId()
        const bytes = good(id)
        const byte = bytes[at]!
        if (change === byte) continue
        const instead = change === 'delete' ? '' : change === 'double' ? byte + byte : change
        made.push(bytes.slice(0, at) + instead + bytes.slice(at + 1) + behind(id))
      }
    }
  }
  return made
}

function bodyOf(bytes: string): { start: number; end: number } {
  const start = bytes.indexOf('GET /smuggled')
  return { start, end: start < 0 ? start : bytes.indexOf('\r\n\r\n', start) + 4 }
}

/** Fields that a proxy makes anew. */
const OF_ONE_HOP =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|via|x-forwarded-.*|forwarded|x-real-ip|x-request-id|content-length|host)$/i

/**
 * What a request means, whichever way it came: equal texts, equal meaning. `ownHost` is the origin's, which a request in HTTP/1.0
 * without any is given.
 */
export function meaningOf({ method, target, fields, body }: Request, ownHost = ''): string {
  const named = new Set(valuesOf(fields, 'connection').flatMap(value => value.toLowerCase().split(/[ \t]*,[ \t]*/)))
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/is.exec(target)
  const [host, path] = absolute === null ? [valuesOf(fields, 'host')[0] ?? '', target] : [absolute[1]!, absolute[2]!]
  const kept = fields.filter(([name]: Field) => !OF_ONE_HOP.test(name) && !named.has(name.toLowerCase()))
  return JSON.stringify([method, host === ownHost ? '' : host, path.startsWith('/') ? path : `/${path}`, kept, body])
}

/** What may reach the origin of these connections, and how often: what a strict reader takes them for, up to where it gives up. */
export function allowedOf(connections: readonly string[]): Map<string, number> {
  const allowed = new Map<string, number>()
  for (const bytes of connections) {
    for (const request of readRequests(bytes, true).messages) {
      const meaning = meaningOf(request)
      allowed.set(meaning, (allowed.get(meaning) ?? 0) + 1)
    }
  }
  return allowed
}
