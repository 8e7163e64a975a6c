import { SignalboxError } from '../../../engine/writer.ts'
import type { Verdict } from '../grammar/schema.ts'
import type { Signal } from '../grammar/signal.ts'
import { faultOfAbsence, faultOfName, faultOfValue, show } from './cloud-event-attributes.ts'

/** The media type of one event as JSON, and of several. */
export const EVENT_TYPE = 'application/cloudevents+json'
export const BATCH_TYPE = 'application/cloudevents-batch+json'

/** Every intermediary must carry events of this size, and need not carry larger ones; so none is read here. */
export const EVENT_BYTES_MAX = 65_536
/** Deeper than anything people write down; a bound on who reads it by recursion. */
const DEPTH_MAX = 32
const ATTRIBUTES_MAX = 64

/**
 * An event of CloudEvents 1.0: attributes and what it carries, flat. Attributes that are not known here are kept as they are, so that
 * an event that is read and written again is the same event.
 */
export interface CloudEvent {
  readonly specversion: '1.0'
  readonly id: string
  readonly source: string
  readonly type: string
  readonly subject?: string
  readonly time?: string
  readonly datacontenttype?: string
  readonly dataschema?: string
  /** Bytes, text, or whatever JSON can say; left out: it carries nothing, which is not the same as null. */
  readonly data?: unknown
  readonly [extension: string]: unknown
}

/** A signal as the event it is. */
export function eventOf(signal: Signal): CloudEvent {
  return { ...signal, datacontenttype: 'application/json' }
}

/**
 * An event as a signal, `time` (RFC 3339) where it has none of its own. Of the extensions, those that signals have are taken and the
 * others left: no agent could read them.
 */
export function signalOf(event: CloudEvent, time: string): Signal {
  const { id, specversion, type, source, subject, data = null, causationid, traceparent } = event
  return {
    id,
    specversion,
    type,
    source,
    ...(subject === undefined ? {} : { subject }),
    time: event.time ?? time,
    data,
    ...(causationid === undefined ? {} : { causationid: String(causationid) }),
    ...(traceparent === undefined ? {} : { traceparent: String(traceparent) }),
  }
}

/**
 * An event as JSON. Bytes go as `data_base64`.
 *
 * Source  JSON Event Format for CloudEvents 1.0.2
 * Throws SBX_AGENT_INVALID for what is no event, or carries what JSON cannot say.
 */
export function encodeEvent(event: CloudEvent): string {
  const verdict = checkEvent(event)
  if (!verdict.isGood) throw unwritable(verdict.fault)
  const { data, ...attributes } = event
  const carried = data instanceof Uint8Array ? { data_base64: Buffer.from(data).toString('base64') } : { data }
  try {
    return JSON.stringify({ ...attributes, ...carried })
  } catch (error) {
    throw unwritable(`its data cannot be JSON (${(error as Error).message})`)
  }
}

/** Several events as one JSON array; see encodeEvent. */
export function encodeBatch(events: readonly CloudEvent[]): string {
  return `[${events.map(encodeEvent).join(',')}]`
}

/** Reads one event as JSON; what is wrong with it otherwise. */
export function decodeEvent(text: string): Verdict<CloudEvent> {
  const parsed = parse(text)
  return parsed.isGood ? eventFrom(parsed.value) : parsed
}

/** Reads a JSON array of events: all of them, or none when there is a fault in one. */
export function decodeBatch(text: string): Verdict<CloudEvent[]> {
  const parsed = parse(text)
  if (!parsed.isGood) return parsed
  if (!Array.isArray(parsed.value)) return bad('it is not a JSON array of events')
  const events: CloudEvent[] = []
  for (const [at, each] of parsed.value.entries()) {
    const verdict = eventFrom(each)
    if (!verdict.isGood) return bad(`in event ${at}: ${verdict.fault}`)
    events.push(verdict.value)
  }
  return { isGood: true, value: events }
}

/** Checks attributes and what is carried, whatever form they came in. */
export function checkEvent(event: Readonly<Record<string, unknown>>): Verdict<CloudEvent> {
  const { data, ...attributes } = event
  const entries = Object.entries(attributes).filter(([, value]) => value !== undefined)
  if (entries.length > ATTRIBUTES_MAX) return bad(`it has more than ${ATTRIBUTES_MAX} attributes`)
  for (const [name, value] of entries) {
    const fault = faultOfName(name) ?? faultOfValue(name, value)
    if (fault !== undefined) return bad(fault)
  }
  const fault = faultOfAbsence(attributes) ?? faultOfData(data, attributes.datacontenttype as string | undefined)
  return fault === undefined ? { isGood: true, value: event as CloudEvent } : bad(fault)
}

/** Whether what such an event carries is JSON. */
export function isJsonType(datacontenttype = 'application/json'): boolean {
  return /^[^/;]+\/(?:[^;]*\+)?json *(?:;|$)/i.test(datacontenttype)
}

/** Reads JSON of bounded size and depth. */
export function parse(text: string): Verdict<unknown> {
  if (Buffer.byteLength(text) > EVENT_BYTES_MAX) return bad(`it is larger than ${EVENT_BYTES_MAX} bytes`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return bad('it is not JSON')
  }
  // An event, or a batch of them, is a level or two above what it carries.
  return isDeeper(value, DEPTH_MAX + 2) ? bad(`it is nested deeper than ${DEPTH_MAX} levels`) : { isGood: true, value }
}

/** From members of a JSON object: null is not set, and bytes come as base64. */
function eventFrom(members: unknown): Verdict<CloudEvent> {
  if (typeof members !== 'object' || members === null || Array.isArray(members)) return bad('it is not a JSON object')
  const { data, data_base64: base64 = null, ...attributes } = members as Record<string, unknown>
  const event = Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null))
  const unset = Object.keys(attributes).map(faultOfName).find(Boolean)
  if (unset !== undefined) return bad(unset)
  if (base64 === null) return checkEvent(data === undefined ? event : { ...event, data })
  if (data !== undefined) return bad('it has "data" and "data_base64", write one of them')
  const bytes = bytesOf(base64)
  return bytes === undefined ? bad('"data_base64" is not base64') : checkEvent({ ...event, data: bytes })
}

function faultOfData(data: unknown, datacontenttype: string | undefined): string | undefined {
  if (data === undefined || data instanceof Uint8Array) return undefined
  if (!isJsonType(datacontenttype)) {
    return typeof data === 'string' ? undefined : `"data" is not a string, and ${show(datacontenttype!)} is not JSON`
  }
  return isDeeper(data, DEPTH_MAX) ? `"data" is nested deeper than ${DEPTH_MAX} levels` : undefined
}

function bytesOf(base64: unknown): Uint8Array | undefined {
  if (typeof base64 !== 'string' || base64.length % 4 !== 0) return undefined
  return /^[A-Za-z0-9+/]*={0,2}$/.test(base64) ? new Uint8Array(Buffer.from(base64, 'base64')) : undefined
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some(each => isDeeper(each, levels - 1))
}

function unwritable(fault: string): SignalboxError {
  return new SignalboxError('SBX_AGENT_INVALID', `Cannot write the event: ${fault}`)
}

function bad(fault: string): { readonly isGood: false; readonly fault: string } {
  return { isGood: false, fault }
}
