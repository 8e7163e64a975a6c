import type { OutgoingHttpHeaders } from 'node:http2'
import { readTrailers } from '../message/headers.ts'
import type { Dispatching } from './link.ts'

/** The header of a request as HTTP/2 has it. What belongs to a connection is gone from it already. */
export function toHttp2Headers({ method, path, headers }: Dispatching, url: string): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = {
    ':method': method,
    ':path': path,
    ':scheme': url.startsWith('https:') ? 'https' : 'http',
    ':authority': new URL(url).host,
  }
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i].toLowerCase()
    if (name === 'host') fields[':authority'] = headers[i + 1]
    else append(fields, name, headers[i + 1])
  }
  return fields
}

/** Trailers of a request, raw, as HTTP/2 has them. */
export function toHttp2Trailers(raw: readonly string[]): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = {}
  for (const [name, value] of readTrailers(raw)) append(fields, name.toLowerCase(), value)
  return fields
}

function append(fields: OutgoingHttpHeaders, name: string, value: string): void {
  const before = fields[name]
  if (before === undefined) fields[name] = value
  else if (Array.isArray(before)) before.push(value)
  else fields[name] = [String(before), value]
}

/** Raw fields without those that begin with a colon. */
export function plainFields(raw: readonly string[]): string[] {
  const fields: string[] = []
  for (let i = 0; i < raw.length; i += 2) if (!raw[i].startsWith(':')) fields.push(raw[i], raw[i + 1])
  return fields
}
