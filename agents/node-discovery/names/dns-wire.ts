/**
 * DNS messages, as far as somebody needs them who asks his neighbours: questions out, records in.
 *
 *   ┌────┬───────┬───────────┬─────────┬───────────┬────────────┬────────────────────────────────────────────────────┐
 *   │ id │ flags │ questions │ answers │ authority │ additional │ questions: name type class · records: name type …  │
 *   │ 2  │ 2     │ 2         │ 2       │ 2         │ 2          │ class ttl(4) length(2) data                        │
 *   └────┴───────┴───────────┴─────────┴───────────┴────────────┴────────────────────────────────────────────────────┘
 *
 * Source  RFC 1035 4; a name may end in a pointer to another place of the message (4.1.4), always one before it, so reading ends.
 */
export const TYPES = { A: 1, PTR: 12, AAAA: 28, SRV: 33 } as const
export type Type = keyof typeof TYPES

const CLASS_IN = 1
const IS_ANSWER = 0x8000
const HEAD_BYTES = 12
const NAME_BYTES_MAX = 255
/** Of one message; the rest is not read. */
const RECORDS_MAX = 256

export interface Question {
  readonly name: string
  readonly type: Type
}

export type DnsRecord = {
  readonly name: string
  /** Good for so long. */
  readonly ttlS: number
} & (
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'PTR'; readonly target: string }
  | {
      readonly type: 'SRV'
      readonly target: string
      readonly port: number
      readonly priority: number
      readonly weight: number
    }
)

/** A message that asks. */
export function encodeQuestions(id: number, questions: readonly Question[]): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt16BE(id, 0)
  head.writeUInt16BE(questions.length, 4)
  return Buffer.concat([
    head,
    ...questions.flatMap(({ name, type }) => [encodeName(name), words(TYPES[type], CLASS_IN)]),
  ])
}

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2)
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value, i * 2)
  return bytes
}

/** A name as labels, not shortened. */
export function encodeName(name: string): Buffer {
  const labels = name.split('.').filter(label => label !== '')
  return Buffer.concat([
    ...labels.map(label => {
      const bytes = Buffer.from(label)
      return Buffer.concat([Buffer.from([Math.min(bytes.length, 63)]), bytes.subarray(0, 63)])
    }),
    Buffer.from([0]),
  ])
}

export interface Message {
  readonly id: number
  readonly isAnswer: boolean
  /** Those of types that are known here. */
  readonly questions: readonly Question[]
  readonly records: readonly DnsRecord[]
}

/** Reads a message; undefined: it is none. Records of other types and classes are passed over. */
export function decodeMessage(bytes: Buffer): Message | undefined {
  try {
    const questions: Question[] = []
    const records: DnsRecord[] = []
    let at = HEAD_BYTES
    for (let left = bytes.readUInt16BE(4); left > 0; left--) {
      const name = readName(bytes, at)
      const type = typeOf(bytes.readUInt16BE(name.end))
      if (type !== undefined && questions.length < RECORDS_MAX) questions.push({ name: name.text, type })
      at = name.end + 4
    }
    const count = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10)
    for (let left = Math.min(count, RECORDS_MAX); left > 0; left--) {
      const name = readName(bytes, at)
      const dataAt = name.end + 10
      const length = bytes.readUInt16BE(name.end + 8)
      const record = readRecord(bytes, name, dataAt, length)
      if (record !== undefined) records.push(record)
      at = dataAt + length
    }
    const flags = bytes.readUInt16BE(2)
    return { id: bytes.readUInt16BE(0), isAnswer: (flags & IS_ANSWER) !== 0, questions, records }
  } catch {
    return undefined
  }
}

interface Name {
  readonly text: string
  /** Where what follows it begins. */
  readonly end: number
}

function readRecord(bytes: Buffer, name: Name, at: number, length: number): DnsRecord | undefined {
  const type = typeOf(bytes.readUInt16BE(name.end))
  // The top bit says that others are to forget what they had (RFC 6762 10.2).
  if ((bytes.readUInt16BE(name.end + 2) & 0x7fff) !== CLASS_IN || type === undefined) return undefined
  if (at + length > bytes.length) throw new RangeError('a record ends behind the message')
  const about = { name: name.text, ttlS: bytes.readUInt32BE(name.end + 4) }
  switch (type) {
    case 'A':
      return length === 4 ? { ...about, type, address: [...bytes.subarray(at, at + 4)].join('.') } : undefined
    case 'AAAA':
      return length === 16 ? { ...about, type, address: ipv6(bytes, at) } : undefined
    case 'PTR':
      return { ...about, type, target: readName(bytes, at).text }
    case 'SRV':
      return {
        ...{ ...about, type, target: readName(bytes, at + 6).text },
        ...{ priority: bytes.readUInt16BE(at), weight: bytes.readUInt16BE(at + 2), port: bytes.readUInt16BE(at + 4) },
      }
  }
}

function ipv6(bytes: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + i * 2).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

function readName(bytes: Buffer, from: number): Name {
  const labels: string[] = []
  let at = from
  let end = -1
  let length = 0
  for (;;) {
    const size = bytes.readUInt8(at)
    if (size === 0) return { text: labels.join('.'), end: end < 0 ? at + 1 : end }
    if (size >= 0xc0) {
      const target = bytes.readUInt16BE(at) & 0x3fff
      if (target >= at) throw new RangeError('a name points forward')
      if (end < 0) end = at + 2
      at = target
      continue
    }
    length += size + 1
    if (size > 63 || length > NAME_BYTES_MAX || at + 1 + size > bytes.length) throw new RangeError('a name has no end')
    labels.push(bytes.toString('utf8', at + 1, at + 1 + size))
    at += 1 + size
  }
}

function typeOf(number: number): Type | undefined {
  return (Object.keys(TYPES) as Type[]).find(type => TYPES[type] === number)
}
