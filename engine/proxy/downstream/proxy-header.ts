import { isIPv4, isIPv6 } from 'node:net'
import { crc32c } from './crc32c.ts'

/**
 * The PROXY protocol, versions 1 and 2: what a load balancer says before the first byte of a connection, about where that
 * comes from. https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
 *
 *   version 1   PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 CR LF                    107 bytes at most
 *   version 2   12 bytes of signature · version and command · family and transport · length of the rest (16 bits)
 *               source, destination · source port, destination port · TLVs
 *
 * Where the header names nobody (LOCAL, UNKNOWN, an unspecified or a unix address), the connection is the balancer's own:
 * a health check, mostly.
 */

export interface ProxyHeader {
  /** Bytes of the header: what follows belongs to the connection. */
  readonly bytes: number
  /** The address it names; undefined where it names nobody. */
  readonly source: string | undefined
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const V1_START = Buffer.from('PROXY ', 'latin1')
const V1_BYTES_MAX = 107
/** The fixed part of version 2. */
const V2_BYTES_MIN = 16
/** Longest version 2 taken: eight times what its authors promise to keep to (536), for certificates in TLVs. */
const V2_BYTES_MAX = 4096

/**
 * Reads a header from the first bytes of a connection. Undefined: it is not whole yet. A fault says what is wrong. What it
 * answers does not depend on how the bytes came in pieces.
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader | { fault: string } | undefined {
  if (startsLike(bytes, SIGNATURE)) return bytes.length < SIGNATURE.length ? undefined : readVersion2(bytes)
  if (startsLike(bytes, V1_START)) return readVersion1(bytes)
  return { fault: 'it does not begin with a PROXY header' }
}

/** Whether the bytes are the beginning of `start`, or begin with it. */
function startsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}

const PORT = /^(?:0|[1-9]\d{0,4})$/

function readVersion1(bytes: Buffer): ProxyHeader | { fault: string } | undefined {
  const limit = Math.min(bytes.length, V1_BYTES_MAX)
  const end = bytes.subarray(0, limit).indexOf('\r\n')
  if (end < 0) return limit < V1_BYTES_MAX ? undefined : { fault: 'its first line is too long' }
  const words = bytes.toString('latin1', 0, end).split(' ')
  const [, family, source, destination, sourcePort, destinationPort] = words
  // What stands after UNKNOWN is to be ignored.
  if (family === 'UNKNOWN') return { bytes: end + 2, source: undefined }
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : undefined
  if (isAddress === undefined) return { fault: 'it names a family nobody knows' }
  if (words.length !== 6) return { fault: 'it has not the six words of a line' }
  if (!isAddress(source) || !isAddress(destination)) return { fault: 'it names an address that is none' }
  if (!isPort(sourcePort) || !isPort(destinationPort)) return { fault: 'it names a port that is none' }
  return { bytes: end + 2, source }
}

/** Without a zone: that is not part of an address another machine knows. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%')
}

function isPort(text: string): boolean {
  return PORT.test(text) && Number(text) <= 65_535
}

const LOCAL = 0
const PROXY = 1
/** Bytes of addresses and ports, by family: unspecified, IPv4, IPv6, unix. */
const ADDRESS_BYTES = [0, 12, 36, 216]
const INET = 1
const INET6 = 2
const STREAM = 1
const DATAGRAM = 2

function readVersion2(bytes: Buffer): ProxyHeader | { fault: string } | undefined {
  if (bytes.length > 12 && bytes[12] >> 4 !== 2) return { fault: 'it has a version nobody knows' }
  if (bytes.length > 12 && (bytes[12] & 15) > PROXY) return { fault: 'it has a command nobody knows' }
  if (bytes.length > 13 && (bytes[13] >> 4 >= ADDRESS_BYTES.length || (bytes[13] & 15) > DATAGRAM)) {
    return { fault: 'it names a family nobody knows' }
  }
  if (bytes.length < V2_BYTES_MIN) return undefined
  const end = V2_BYTES_MIN + bytes.readUInt16BE(14)
  if (end > V2_BYTES_MAX) return { fault: 'it is too long' }
  if (bytes.length < end) return undefined

  const family = bytes[13] >> 4
  const transport = bytes[13] & 15
  // What a LOCAL header says of addresses, and any with an unspecified part, is to be thrown away unread.
  if ((bytes[12] & 15) === LOCAL || family === 0 || transport === 0) return { bytes: end, source: undefined }
  const addressEnd = V2_BYTES_MIN + ADDRESS_BYTES[family]
  if (addressEnd > end) return { fault: 'it is too short for its addresses' }
  const fault = tlvFault(bytes.subarray(0, end), addressEnd)
  if (fault !== undefined) return { fault }
  return { bytes: end, source: transport === STREAM ? readSource(bytes, family) : undefined }
}

function readSource(bytes: Buffer, family: number): string | undefined {
  if (family === INET) return bytes.subarray(16, 20).join('.')
  if (family !== INET6) return undefined
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(16 + 2 * i).toString(16)).join(':')
  // In the one form of RFC 5952, as the system prints the address of a peer.
  const text = new URL(`http://[${groups}]/`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text)
  return mapped === null ? text : `::ffff:${bytes.subarray(28, 32).join('.')}`
}

const CRC32C_TYPE = 3

/** What is wrong with the TLVs: one that does not fit, or a checksum that is not that of the header. */
function tlvFault(header: Buffer, from: number): string | undefined {
  let at = from
  while (at < header.length) {
    if (at + 3 > header.length) return 'it ends within a TLV'
    const length = header.readUInt16BE(at + 1)
    const value = at + 3
    if (value + length > header.length) return 'it ends within a TLV'
    if (header[at] === CRC32C_TYPE) {
      if (length !== 4) return 'its checksum has not four bytes'
      const told = header.readUInt32BE(value)
      const copy = Buffer.from(header)
      copy.fill(0, value, value + 4)
      if (crc32c(copy) !== told) return 'its checksum is not that of its bytes'
    }
    at = value + length
  }
  return undefined
}
