import type { Verdict } from '../grammar/schema.ts'
import {
  BATCH_TYPE,
  type CloudEvent,
  checkEvent,
  decodeBatch,
  decodeEvent,
  EVENT_TYPE,
  encodeEvent,
  isJsonType,
  parse,
} from './cloud-event.ts'
import { show } from './cloud-event-attributes.ts'

/** A message of HTTP as far as events are concerned: header names in lower case, each with all its values. */
export interface HttpMessage {
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>
  readonly body: Uint8Array
}

/** What a message came to. `format`: nothing here reads its Content-Type; `invalid`: it is no event. */
export type Received =
  | { readonly isGood: true; readonly events: readonly CloudEvent[] }
  | { readonly isGood: false; readonly because: 'format' | 'invalid'; readonly fault: string }

const PREFIX = 'ce-'

/**
 * Reads events from a message. Its Content-Type says which way they travel:
 *
 *   application/cloudevents+json          one event, all of it in the body
 *   application/cloudevents-batch+json    an array of them
 *   any other                             one event: the body is what it carries, headers `ce-*` are its attributes
 *
 * Source  HTTP Protocol Binding for CloudEvents 1.0.2
 */
export function decodeHttp({ headers, body }: HttpMessage): Received {
  const types = headers['content-type'] ?? []
  if (types.length > 1) return invalid('there is more than one Content-Type')
  const [type] = types
  const media = type?.split(';', 1)[0].trim().toLowerCase()
  if (media === undefined || !media.startsWith('application/cloudevents')) return fromHeaders(headers, body, type)
  if (media !== EVENT_TYPE && media !== BATCH_TYPE) {
    return {
      isGood: false,
      because: 'format',
      fault: `${show(media)} is not read here, send ${EVENT_TYPE} or ${BATCH_TYPE}`,
    }
  }
  const charset = charsetOf(type!)
  if (charset !== 'utf-8') return invalid(`its charset is ${show(charset)}, send utf-8`)
  const text = utf8(body)
  if (text === undefined) return invalid('its body is not UTF-8')
  return received(media === BATCH_TYPE ? decodeBatch(text) : one(decodeEvent(text)))
}

/**
 * One event as headers and body.
 *
 * Throws SBX_AGENT_INVALID for what is no event.
 */
export function encodeHttp(event: CloudEvent): { headers: Record<string, string>; body: Uint8Array } {
  // Whatever cannot be an event at all is found out here.
  encodeEvent(event)
  const { data, datacontenttype, ...attributes } = event
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) headers[PREFIX + name] = percentEncode(String(value))
  }
  const type = datacontenttype ?? (data === undefined || data instanceof Uint8Array ? undefined : 'application/json')
  if (type !== undefined) headers['content-type'] = type
  return { headers, body: bodyOf(data, type) }
}

/** Space, `"`, `%` and all that is not printable ASCII, byte by byte of its UTF-8. */
export function percentEncode(text: string): string {
  return text.replace(/[^!#$&-~]/gu, encodeURIComponent)
}

/** The value of a header as it was meant: out of quotes, then out of percent-encoding once. Undefined: it is malformed. */
export function percentDecode(value: string): string | undefined {
  if (!/^[ -~\t]*$/.test(value)) return undefined
  let text = value
  if (value.startsWith('"')) {
    const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(value)
    if (quoted === null) return undefined
    text = quoted[1].replace(/\\(.)/g, '$1')
  }
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function fromHeaders(headers: HttpMessage['headers'], body: Uint8Array, type: string | undefined): Received {
  const event: Record<string, unknown> = {}
  for (const [header, values] of Object.entries(headers)) {
    if (!header.startsWith(PREFIX) || values === undefined) continue
    const name = header.slice(PREFIX.length)
    if (name === 'datacontenttype') return invalid(`"${header}" is given, say it by Content-Type`)
    if (name === 'data') return invalid(`"${header}" is given, what an event carries is the body`)
    if (values.length > 1) return invalid(`"${header}" is given ${values.length} times`)
    const value = percentDecode(values[0] ?? '')
    if (value === undefined) return invalid(`"${header}" is not percent-encoded UTF-8`)
    event[name] = value
  }
  if (event.specversion === undefined) {
    const wish = `send ${EVENT_TYPE}, ${BATCH_TYPE}, or headers such as "ce-specversion: 1.0"`
    return {
      isGood: false,
      because: 'format',
      fault: `its Content-Type is ${type === undefined ? 'missing' : show(type)} and it has no ce-specversion, ${wish}`,
    }
  }
  if (type !== undefined) event.datacontenttype = type
  const carried = carriedBy(body, type)
  if (!carried.isGood) return invalid(carried.fault)
  if (carried.value !== undefined) event.data = carried.value
  return received(one(checkEvent(event)))
}

/** JSON as what it says, text as text, anything else as bytes; an empty body carries nothing. */
function carriedBy(body: Uint8Array, type: string | undefined): Verdict<unknown> {
  if (body.length === 0) return { isGood: true, value: undefined }
  if (type === undefined) return { isGood: true, value: body }
  const text = charsetOf(type) === 'utf-8' ? utf8(body) : undefined
  if (isJsonType(type)) return text === undefined ? { isGood: false, fault: 'its body is not UTF-8' } : parse(text)
  return { isGood: true, value: isTextType(type) ? (text ?? body) : body }
}

function bodyOf(data: unknown, type: string | undefined): Uint8Array {
  if (data === undefined) return new Uint8Array()
  if (data instanceof Uint8Array) return data
  return new TextEncoder().encode(isJsonType(type) ? JSON.stringify(data) : String(data))
}

function isTextType(type: string): boolean {
  return /^(?:text\/|[^/;]+\/(?:[^;]*\+)?xml *(?:;|$))/i.test(type)
}

function charsetOf(type: string): string {
  const [, charset = 'utf-8'] = /; *charset="?([^";\s]+)"?/i.exec(type) ?? []
  return charset.toLowerCase()
}

function utf8(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    return undefined
  }
}

function one(verdict: Verdict<CloudEvent>): Verdict<CloudEvent[]> {
  return verdict.isGood ? { isGood: true, value: [verdict.value] } : verdict
}

function received(verdict: Verdict<CloudEvent[]>): Received {
  return verdict.isGood ? { isGood: true, events: verdict.value } : invalid(verdict.fault)
}

function invalid(fault: string): Received {
  return { isGood: false, because: 'invalid', fault }
}
