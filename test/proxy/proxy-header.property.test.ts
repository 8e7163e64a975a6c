import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readProxyHeader } from '../../engine/proxy/downstream/proxy-header.ts'
import { ipv4From, SIGNATURE, version2 } from '../support/proxy-headers.ts'

const byte = fc.nat(255)
const port = fc.nat(65_535)
const bytes = (length: number): fc.Arbitrary<number[]> => fc.array(byte, { minLength: length, maxLength: length })

const version1 = fc
  .tuple(fc.constantFrom('TCP4', 'TCP6', 'UNKNOWN'), fc.ipV4(), fc.ipV4(), fc.ipV6(), port, port)
  .map(([family, a, b, c, from, to]) =>
    family === 'UNKNOWN'
      ? Buffer.from(`PROXY UNKNOWN ${a}\r\n`)
      : Buffer.from(`PROXY ${family} ${family === 'TCP4' ? `${a} ${b}` : `${c} ${c}`} ${from} ${to}\r\n`),
  )
const second = fc
  .record({
    command: fc.constantFrom(0x20, 0x21),
    family: fc.constantFrom(0, 0x11, 0x21, 0x31),
    addresses: bytes(216),
    tlvs: fc.array(fc.tuple(fc.constantFrom(1, 4, 0xe0), fc.array(byte, { maxLength: 40 })), { maxLength: 3 }),
    checksum: fc.constantFrom('right' as const, 'wrong' as const, undefined),
  })
  .map(header => {
    const length = [0, 12, 36, 216][header.family >> 4]
    return version2({ ...header, addresses: header.addresses.slice(0, length) })
  })
/** What nobody wrote on purpose: noise behind a beginning that is right. */
const noise = fc
  .tuple(
    fc.constantFrom('', 'PROXY ', 'PROXY TCP4 ', SIGNATURE, `${SIGNATURE}\x21\x11`),
    fc.array(byte, { maxLength: 60 }),
  )
  .map(([start, rest]) => Buffer.concat([Buffer.from(start, 'latin1'), Buffer.from(rest)]))
const changed = fc.tuple(fc.oneof(version1, second), fc.nat(), byte).map(([header, at, value]) => {
  const copy = Buffer.from(header)
  copy[at % copy.length] = value
  return copy
})

test('readProxyHeader() answers the same however the bytes came in pieces', () => {
  const sent = fc.tuple(fc.oneof(version1, second, changed, noise), fc.uint8Array({ maxLength: 20 }))
  fc.assert(
    fc.property(sent, ([header, rest]) => {
      const whole = Buffer.concat([header, rest])
      const answer = readProxyHeader(whole)
      for (let end = 0; end < whole.length; end++) {
        const early = readProxyHeader(whole.subarray(0, end))
        // Of a beginning it says nothing yet, or what it will say of all.
        if (early !== undefined) assert.deepEqual(early, answer, `after ${end} bytes`)
      }
      if (answer !== undefined && 'bytes' in answer) assert.ok(answer.bytes <= whole.length)
    }),
    { numRuns: 500 },
  )
})

test('readProxyHeader() reads back the address that was written, and leaves what comes behind', () => {
  fc.assert(
    fc.property(fc.ipV4(), port, fc.uint8Array({ maxLength: 50 }), (address, from, rest) => {
      const first = Buffer.from(`PROXY TCP4 ${address} 10.0.0.2 ${from} 443\r\n`)
      const binary = version2({ addresses: ipv4From(address, from), checksum: 'right' })
      for (const header of [first, binary]) {
        const read = readProxyHeader(Buffer.concat([header, rest]))
        assert.deepEqual(read, { bytes: header.length, source: address })
      }
    }),
  )
})
