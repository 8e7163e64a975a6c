import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crc32c } from '../../engine/proxy/downstream/crc32c.ts'
import { readProxyHeader } from '../../engine/proxy/downstream/proxy-header.ts'
import { ipv4From, SIGNATURE, version2 } from '../support/proxy-headers.ts'

const read = (text: string | Buffer) => readProxyHeader(Buffer.from(text as string, 'latin1'))
const v2 = (text: string): Buffer => Buffer.from(SIGNATURE + text, 'latin1')

/** 2001:db8::1 to 2001:db8::2, ports 1111 and 443. */
const IPV6 = [
  ...[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ...[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
  ...[4, 87, 1, 187],
]
const IPV4 = ipv4From('192.0.2.1')
const UNIX = Array.from({ length: 216 }, () => 97)

describe('readProxyHeader() version 1', () => {
  it('reads the examples of the specification, and says where the connection begins', () => {
    const tcp4 = 'PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n'
    assert.deepEqual(read(`${tcp4}GET / HTTP/1.1\r\n`), { bytes: tcp4.length, source: '255.255.255.255' })
    const tcp6 = 'PROXY TCP6 ffff:f::1 ffff:f::2 65535 65535\r\n'
    assert.deepEqual(read(tcp6), { bytes: tcp6.length, source: 'ffff:f::1' })
    assert.deepEqual(read('PROXY UNKNOWN\r\n'), { bytes: 15, source: undefined })
    // The longest line there is, 107 bytes with its end.
    const all = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
    const longest = `PROXY UNKNOWN ${all} ${all} 65535 65535\r\n`
    assert.equal(longest.length, 107)
    assert.deepEqual(read(longest), { bytes: 107, source: undefined })
  })

  const FAULTS: Record<string, string> = {
    'no header at all': 'GET / HTTP/1.1\r\n\r\n',
    'lower case': 'proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n',
    'a family nobody knows': 'PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n',
    'no family': 'PROXY \r\n',
    'an address of the other family': 'PROXY TCP4 ::1 ::2 1 2\r\n',
    'an IPv4 address under TCP6': 'PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n',
    'an address with a leading zero': 'PROXY TCP4 01.1.1.1 2.2.2.2 1 2\r\n',
    'an address with a zone': 'PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n',
    'a name instead of an address': 'PROXY TCP4 localhost 2.2.2.2 1 2\r\n',
    'a port above 65535': 'PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n',
    'a port with a leading zero': 'PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n',
    'a negative port': 'PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n',
    'two blanks': 'PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n',
    'a seventh word': 'PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n',
    'five words': 'PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n',
    'a bare LF': 'PROXY TCP4 1.1.1.1 2.2.2.2 1 2\nGET / HTTP/1.1\r\n\r\n',
    'a line of 108 bytes': `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
  }
  for (const [name, text] of Object.entries(FAULTS)) {
    it(`refuses ${name}`, () => assert.ok('fault' in (read(text) ?? {}), JSON.stringify(read(text))))
  }

  it('waits for the end of the line, but not beyond its longest', () => {
    assert.equal(read(''), undefined)
    assert.equal(read('PRO'), undefined)
    assert.equal(read('PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r'), undefined)
    assert.equal(read(`PROXY UNKNOWN ${'x'.repeat(92)}`), undefined)
    assert.ok('fault' in (read(`PROXY UNKNOWN ${'x'.repeat(93)}`) ?? {}))
  })
})

describe('readProxyHeader() version 2', () => {
  it('reads IPv4 and IPv6 addresses', () => {
    assert.deepEqual(read(version2({ addresses: IPV4 })), { bytes: 28, source: '192.0.2.1' })
    assert.deepEqual(read(version2({ family: 0x21, addresses: IPV6 })), { bytes: 52, source: '2001:db8::1' })
  })

  it('writes an IPv4 address in IPv6 clothes as the system does', () => {
    const mapped = [...Array.from({ length: 10 }, () => 0), 255, 255, 192, 0, 2, 1]
    const addresses = [...mapped, ...mapped, 0, 1, 0, 2]
    assert.deepEqual(read(version2({ family: 0x21, addresses })), { bytes: 52, source: '::ffff:192.0.2.1' })
  })

  it("takes the connection for the balancer's own where the header names nobody", () => {
    const nobody = [
      version2({ command: 0x20, family: 0, addresses: [] }),
      // A health check of HAProxy: LOCAL, whatever family it writes, and with bytes nobody is to read.
      version2({ command: 0x20, addresses: IPV4 }),
      version2({ command: 0x20, addresses: [1, 2, 3] }),
      version2({ family: 0, addresses: [] }),
      version2({ family: 0x31, addresses: UNIX }),
      version2({ family: 0x12, addresses: IPV4 }),
    ]
    for (const bytes of nobody) assert.deepEqual(read(bytes), { bytes: bytes.length, source: undefined })
  })

  it('skips TLVs, and checks the checksum where there is one', () => {
    const tlvs = [
      [0x01, [...Buffer.from('h2')]],
      [0x04, []],
      [0xe0, Array.from({ length: 300 }, () => 7)],
    ] as const
    const right = version2({ addresses: IPV4, tlvs, checksum: 'right' })
    assert.deepEqual(read(right), { bytes: right.length, source: '192.0.2.1' })
    assert.ok('fault' in (read(version2({ addresses: IPV4, tlvs, checksum: 'wrong' })) ?? {}))
    // One flipped bit anywhere in the addresses.
    right[17] ^= 1
    assert.ok('fault' in (read(right) ?? {}))
  })

  const FAULTS: Record<string, Buffer> = {
    'version 1 in the place of 2': version2({ command: 0x11, addresses: IPV4 }),
    'version 3': version2({ command: 0x31, addresses: IPV4 }),
    'a command nobody knows': version2({ command: 0x22, addresses: IPV4 }),
    'a family nobody knows': version2({ family: 0x41, addresses: IPV4 }),
    'a transport nobody knows': version2({ family: 0x13, addresses: IPV4 }),
    'less than its addresses': version2({ addresses: IPV4.slice(1) }),
    'IPv4 addresses under IPv6': version2({ family: 0x21, addresses: IPV4 }),
    'a TLV cut in its head': version2({ addresses: [...IPV4, 1, 0] }),
    'a TLV longer than what is left': version2({ addresses: [...IPV4, 1, 0, 2, 65] }),
    'a checksum of three bytes': version2({ addresses: IPV4, tlvs: [[3, [1, 2, 3]]] }),
    'a length beyond what is taken': v2('\x21\x11\xff\xff'),
    'a wrong signature': Buffer.from('\r\n\r\n\0\r\nQUIX\n\x21\x11\0\0', 'latin1'),
  }
  for (const [name, bytes] of Object.entries(FAULTS)) {
    it(`refuses ${name}`, () => assert.ok('fault' in (readProxyHeader(bytes) ?? {})))
  }

  it('does not wait for the length of what it will not take', () => {
    assert.equal(read(v2('\x21\x11\x00')), undefined)
    assert.ok('fault' in (read(v2('\x31')) ?? {}))
    assert.ok('fault' in (read(v2('\x21\x11\x10\x00')) ?? {}))
  })
})

describe('crc32c()', () => {
  it('gives the check value of the polynomial', () => {
    assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
    // RFC 3720 B.4: 32 bytes of zeros, stored as aa 36 91 8a, lowest first.
    assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa)
  })
})
