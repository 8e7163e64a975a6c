import { crc32c } from '../../engine/proxy/downstream/crc32c.ts'

/** PROXY protocol headers as a load balancer writes them. */

export const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n'

export interface Version2 {
  /** Version and command; 0x21 is PROXY. */
  command?: number
  /** Family and transport; 0x11 is TCP over IPv4. */
  family?: number
  /** Addresses and ports as bytes. */
  addresses: readonly number[]
  tlvs?: readonly (readonly [type: number, value: readonly number[]])[]
  /** Adds the checksum; `wrong` adds one that is not that of the header. */
  checksum?: 'right' | 'wrong'
}

export function version2({ command = 0x21, family = 0x11, addresses, tlvs = [], checksum }: Version2): Buffer {
  const rest = [...addresses]
  for (const [type, value] of tlvs) rest.push(type, value.length >> 8, value.length & 255, ...value)
  if (checksum !== undefined) rest.push(3, 0, 4, 0, 0, 0, 0)
  const head = [...Buffer.from(SIGNATURE, 'latin1'), command, family, rest.length >> 8, rest.length & 255]
  const bytes = Buffer.from([...head, ...rest])
  if (checksum !== undefined) {
    const sum = crc32c(bytes)
    bytes.writeUInt32BE(checksum === 'right' ? sum : (sum ^ 1) >>> 0, bytes.length - 4)
  }
  return bytes
}

/** Addresses of TCP over IPv4, from this one to 10.0.0.2:443. */
export function ipv4From(source: string, port = 1111): number[] {
  return [...source.split('.').map(Number), 10, 0, 0, 2, port >> 8, port & 255, 1, 187]
}
