/**
 * The two messages of gRPC's health service, as bytes. Each has one field, so they are made by hand:
 *
 *   HealthCheckRequest   { string service = 1; }        0A · length as varint · UTF-8         empty: nothing
 *   HealthCheckResponse  { ServingStatus status = 1; }  08 · status as varint                 0, UNKNOWN: nothing
 *
 *   a message on the wire:  │ compressed 0 │ length, 4 bytes, big end first │ message │
 *
 * Source  grpc/doc/health-checking.md and health.proto (grpc.health.v1); grpc/doc/PROTOCOL-HTTP2.md; protobuf's encoding
 */
const SERVING_STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const
export type ServingStatus = (typeof SERVING_STATUSES)[number]

/** Before each message. */
const PREFIX_BYTES = 5

/** The answer has two bytes; room for fields that it may have one day, and none for what is no answer. */
export const ANSWER_BYTES_MAX = 1_024

/** The question after one service; empty: the endpoint as a whole. In the frame of a message. */
export function writeHealthQuestion(service: string): Buffer {
  const name = Buffer.from(service, 'utf8')
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name])
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** The status in an answer; undefined: the bytes are none. Fields it does not know are passed over. */
export function readHealthAnswer(bytes: Buffer): ServingStatus | undefined {
  if (bytes.length < PREFIX_BYTES || bytes[0] !== 0) return undefined
  const end = PREFIX_BYTES + bytes.readUInt32BE(1)
  if (end > bytes.length || end > ANSWER_BYTES_MAX) return undefined
  let status = 0
  for (let at = PREFIX_BYTES; at < end; ) {
    const key = readVarint(bytes, at, end)
    if (key === undefined) return undefined
    const field = readField(bytes, key.at, end, key.value & 7)
    if (field === undefined) return undefined
    if (key.value === 0x08) status = field.value
    at = field.at
  }
  return SERVING_STATUSES[status]
}

interface Read {
  readonly value: number
  readonly at: number
}

/** A field of one of the wire types 0 (varint), 1 (8 bytes), 2 (so many bytes) and 5 (4 bytes); only the value of the first is read. */
function readField(bytes: Buffer, at: number, end: number, wireType: number): Read | undefined {
  if (wireType === 0) return readVarint(bytes, at, end)
  const length =
    wireType === 2 ? readVarint(bytes, at, end) : { value: wireType === 1 ? 8 : wireType === 5 ? 4 : -1, at }
  if (length === undefined || length.value < 0 || length.at + length.value > end) return undefined
  return { value: 0, at: length.at + length.value }
}

/** Ten bytes at most; what does not fit into a double does not matter here. */
function readVarint(bytes: Buffer, at: number, end: number): Read | undefined {
  let value = 0
  for (let i = 0; i < 10 && at + i < end; i++) {
    const byte = bytes[at + i]!
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { value, at: at + i + 1 }
  }
  return undefined
}

function varint(value: number): number[] {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left]
    bytes.push((left % 128) | 0x80)
  }
}
