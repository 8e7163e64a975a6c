/**
 * What the attributes of a CloudEvent may say. Each rule returns what is wrong, for people, or undefined.
 *
 * Source  CloudEvents 1.0.2; RFC 3339 for times, RFC 3986 for URIs, RFC 2046 for media types, W3C Trace Context 1 for traceparent.
 * Deviation: a name longer than 20 characters is refused, where the source advises against it only.
 */

const NAME = /^[a-z0-9]{1,20}$/
/** No control characters, halves of surrogate pairs, or code points that are no characters. */
const TEXT = /^[^\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]*$/u
const URI_REFERENCE = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/
const URI_SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?: *; *${TOKEN}=(?:${TOKEN}|"[^"\\\\]*"))*$`)
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/
const TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-](\d\d):(\d\d))$/
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const INTEGER_MAX = 2 ** 31

export const REQUIRED = ['specversion', 'id', 'source', 'type'] as const

/** The rules of attributes that have one beyond being text. */
const RULES: Readonly<Record<string, (text: string) => string | undefined>> = {
  specversion: text => (text === '1.0' ? undefined : 'not "1.0", the one version that is read here'),
  source: text => (URI_REFERENCE.test(text) ? undefined : 'not a URI or the end of one, such as "/mycontext"'),
  time: text => (isTime(text) ? undefined : 'not a time of RFC 3339, such as "2018-04-05T17:31:00Z"'),
  datacontenttype: text => (MEDIA_TYPE.test(text) ? undefined : 'not a media type, such as "application/json"'),
  dataschema: text =>
    URI_REFERENCE.test(text) && URI_SCHEME.test(text) ? undefined : 'not a URI, such as "https://example.com/schema"',
  traceparent: text =>
    isTraceparent(text)
      ? undefined
      : 'not a traceparent, such as "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"',
}

/** Attributes that are text and nothing else: the source's own, and the extensions that signals have. */
const TEXTS: ReadonlySet<string> = new Set([...REQUIRED, ...Object.keys(RULES), 'subject', 'causationid'])

/** What is wrong with the name of an attribute. */
export function faultOfName(name: string): string | undefined {
  if (NAME.test(name)) return undefined
  return `${show(name)} is no name of an attribute: 1 to 20 of a-z and 0-9`
}

/** What is wrong with the value of an attribute that is set. */
export function faultOfValue(name: string, value: unknown): string | undefined {
  if (typeof value === 'string') {
    if (value === '') return `"${name}" is empty, write something or leave it out`
    if (!TEXT.test(value)) return `"${name}" has characters that no attribute may have, such as control characters`
    const fault = Object.hasOwn(RULES, name) ? RULES[name](value) : undefined
    return fault === undefined ? undefined : `"${name}" is ${show(value)}, ${fault}`
  }
  if (TEXTS.has(name)) return `"${name}" is ${kindOf(value)}, write a string`
  if (typeof value === 'boolean') return undefined
  if (Number.isInteger(value) && Number(value) >= -INTEGER_MAX && Number(value) < INTEGER_MAX) return undefined
  return `"${name}" is ${kindOf(value)}, write a string, a boolean, or a whole number of 32 bits`
}

/** What is missing of what every event has. */
export function faultOfAbsence(attributes: Readonly<Record<string, unknown>>): string | undefined {
  const missing = REQUIRED.find(name => attributes[name] === undefined)
  return missing === undefined ? undefined : `"${missing}" is missing`
}

function isTime(text: string): boolean {
  const match = TIME.exec(text)
  if (match === null) return false
  const [year, month, day, hour, minute, second, offsetHour = 0, offsetMinute = 0] = match
    .slice(1)
    .map(n => Number(n ?? 0))
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = month === 2 && !isLeap ? 28 : (DAYS[month - 1] ?? 0)
  // The sixtieth second is a leap second.
  return day >= 1 && day <= days && hour <= 23 && minute <= 59 && second <= 60 && offsetHour <= 23 && offsetMinute <= 59
}

/** Version 00 has four parts; a later one may have more. */
function isTraceparent(text: string): boolean {
  const match = TRACEPARENT.exec(text)
  return match !== null && (match[1] !== '00' || match[2] === undefined)
}

function kindOf(value: unknown): string {
  if (typeof value === 'number') return `the number ${value}`
  if (Array.isArray(value)) return 'an array'
  return value === null ? 'null' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

export const show = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
