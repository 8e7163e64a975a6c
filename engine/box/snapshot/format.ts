import { createHash } from 'node:crypto'
import { ENDPOINT_FACTS, SERVICE_FACTS } from '../../memory/facts.ts'
import { LAYOUT_VERSION } from '../../memory/layout.ts'
import type { TablesSnapshot } from './snapshot.ts'

/**
 * A snapshot as bytes: a line that says what follows, a line of JSON, and the sessions.
 *
 *   signalbox-tables format=1 layout=4 bytes=5210 sha256=9f86…\n
 *   {"takenAtMs":…,"columns":[…],"services":[…],"sessions":12}\n
 *   sessions, four little-endian 32-bit words each                        ┐ bytes and sha256 are
 *                                                                         ┘ of all below the first line
 *
 * Facts are lists of numbers, in the order of `columns`. What was written by another build, or is not to the byte what was written,
 * is refused whole.
 */
const FORMAT = 1

const HEAD = /^signalbox-tables format=(\d+) layout=(\d+) bytes=(\d+) sha256=([0-9a-f]{64})$/
/** The first line is shorter than this. */
const HEAD_BYTES_MAX = 160
const NEWLINE = 10

/** The columns that this build writes and reads. */
const COLUMNS = [...ENDPOINT_FACTS, ...SERVICE_FACTS].join(' ')

type Written = Omit<TablesSnapshot, 'sessions'> & {
  readonly columns: string
  /** Words of the sessions. */
  readonly sessions: number
}

export function encodeSnapshot({ takenAtMs, services, sessions }: TablesSnapshot): Buffer {
  const written: Written = { takenAtMs, columns: COLUMNS, services, sessions: sessions.length }
  const words = Buffer.alloc(sessions.length * 4)
  for (let i = 0; i < sessions.length; i++) words.writeInt32LE(sessions[i], i * 4)
  const body = Buffer.concat([Buffer.from(`${JSON.stringify(written)}\n`), words])
  const head = `signalbox-tables format=${FORMAT} layout=${LAYOUT_VERSION} bytes=${body.length} sha256=${hashOf(body)}\n`
  return Buffer.concat([Buffer.from(head), body])
}

/** What was encoded, or a few words that say why these bytes are refused. Never throws. */
export function decodeSnapshot(bytes: Buffer): { snapshot: TablesSnapshot } | { fault: string } {
  const end = bytes.subarray(0, HEAD_BYTES_MAX).indexOf(NEWLINE)
  const head = end < 0 ? null : HEAD.exec(bytes.toString('latin1', 0, end))
  if (head === null) return { fault: 'it is no snapshot of tables, or its first line is broken' }
  const [, format, layout, length, hash] = head
  if (format !== String(FORMAT)) return { fault: `it has format ${format}, this build reads ${FORMAT}` }
  if (layout !== String(LAYOUT_VERSION)) {
    return { fault: `it is of tables of layout version ${layout}, this build has ${LAYOUT_VERSION}` }
  }
  const body = bytes.subarray(end + 1)
  if (length !== String(body.length)) return { fault: `it has ${body.length} bytes where ${length} were written` }
  if (hash !== hashOf(body)) return { fault: 'its checksum is not that of what was written' }
  try {
    return readBody(body)
  } catch (error) {
    return { fault: `it cannot be read: ${(error as Error).message}` }
  }
}

function readBody(body: Buffer): { snapshot: TablesSnapshot } | { fault: string } {
  const jsonEnd = body.indexOf(NEWLINE)
  const { takenAtMs, columns, services, sessions: words } = JSON.parse(body.toString('utf8', 0, jsonEnd)) as Written
  if (columns !== COLUMNS) return { fault: 'it was written by a build that knows other facts' }
  if (body.length - jsonEnd - 1 !== words * 4) return { fault: 'its sessions are not as many as it says' }
  const sessions = new Int32Array(words)
  for (let i = 0; i < words; i++) sessions[i] = body.readInt32LE(jsonEnd + 1 + i * 4)
  return { snapshot: { takenAtMs, services, sessions } }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
