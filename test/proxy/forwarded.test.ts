import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  appendForwarded,
  type Claims,
  clientOf,
  type ForwardedForms,
  isSecureClient,
  TrustedPeers,
} from '../../engine/proxy/message/forwarded.ts'
import { HOPS_MAX, readAddresses, readForwarded } from '../../engine/proxy/message/hops.ts'

const TRUSTED = new TrustedPeers(['10.0.0.0/8', 'fd00::/8'])
const PEER = { remote: '10.0.0.1', isSecure: false }

const claims = (said: Partial<Claims>): Claims => ({
  xff: undefined,
  proto: undefined,
  host: undefined,
  forwarded: undefined,
  ...said,
})

const nodes = (chain: { hops: readonly { node: string }[] }): string[] => chain.hops.map(({ node }) => node)

/** The headers the upstream gets, as a map. */
function sent(forms: Partial<ForwardedForms>, said: Partial<Claims> | undefined, peer = PEER): Record<string, string> {
  const headers: string[] = []
  const all = { x: false, standard: false, ...forms }
  appendForwarded(headers, all, peer, 'a.example', said === undefined ? undefined : claims(said), TRUSTED)
  return Object.fromEntries(headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]]] : [])))
}

describe('readForwarded()', () => {
  it('reads the examples of RFC 7239, the nearest hop first', () => {
    const chain = readForwarded(
      'for=192.0.2.43, For="[2001:DB8:cafe::17]:4711", for=192.0.2.60;proto=HTTP;by=203.0.113.43',
    )
    assert.deepEqual(chain, {
      hops: [
        { node: '192.0.2.60', proto: 'http', host: '' },
        { node: '2001:db8:cafe::17', proto: '', host: '' },
        { node: '192.0.2.43', proto: '', host: '' },
      ],
      isWhole: true,
    })
    assert.deepEqual(nodes(readForwarded('for="_gazonk"')), ['_gazonk'])
    assert.deepEqual(nodes(readForwarded('for=unknown;proto=https, for="1.2.3.4:_obf"')), ['1.2.3.4', 'unknown'])
  })

  it('takes no malformed hop, nor what is left of one', () => {
    for (const bad of [
      'for=',
      'for',
      '=1.2.3.4',
      'for=1.2.3.4.5',
      'for=999.1.1.1',
      'for=[::1]',
      'for="[::1"',
      'for=::1',
      'for="::1',
      'for=1.2.3.4:80',
      'for=1.2.3.4;for=5.6.7.8',
      'proto=https',
      'for="fe80::1%eth0"',
      'for="_"',
      'for=1.2.3.4;;proto=http',
    ]) {
      // biome-ignore format: a list reads better in rows
      const chain = readForwarded(`for=8.8.8.8, ${bad}, for=10.0.0.2`)
      assert.deepEqual([nodes(chain), chain.isWhole], [['10.0.0.2'], false], bad)
    }
  })

  it(`reads ${HOPS_MAX} hops at most`, () => {
    const text = (count: number): string => Array.from({ length: count }, () => 'for=10.0.0.2').join(', ')
    assert.deepEqual([readForwarded(text(32)).hops.length, readForwarded(text(32)).isWhole], [32, true])
    assert.deepEqual([readForwarded(text(33)).hops.length, readForwarded(text(33)).isWhole], [32, false])
  })
})

describe('readAddresses()', () => {
  it('reads addresses with and without port and brackets, and skips what is empty', () => {
    const chain = readAddresses('unknown, 1.1.1.1,, [2001:DB8::1]:80 ,2001:db8::2,::ffff:3.3.3.3,4.4.4.4:1')
    assert.deepEqual(nodes(chain), ['4.4.4.4', '3.3.3.3', '2001:db8::2', '2001:db8::1', '1.1.1.1', 'unknown'])
    assert.equal(chain.isWhole, true)
  })
})

describe('clientOf()', () => {
  const client = (said: Partial<Claims>): string => clientOf('10.0.0.1', claims(said), TRUSTED)

  it('is the peer where that is not trusted, or says nothing', () => {
    assert.equal(clientOf('9.9.9.9', undefined, TRUSTED), '9.9.9.9')
    assert.equal(client({}), '10.0.0.1')
  })

  it('is the rightmost address that is not trusted', () => {
    assert.equal(client({ xff: '6.6.6.6, 1.2.3.4, 10.0.0.9, fd00::1' }), '1.2.3.4')
    assert.equal(client({ forwarded: 'for=6.6.6.6, for="[2001:db8::1]:99", for="[fd00::1]"' }), '2001:db8::1')
  })

  it('is the first of the chain where all are trusted', () => {
    assert.equal(client({ xff: '10.0.0.7, 10.0.0.8' }), '10.0.0.7')
  })

  it('is the last address that was known, where the chain goes on with none', () => {
    assert.equal(client({ xff: '1.2.3.4, unknown, 10.0.0.8' }), '10.0.0.8')
    assert.equal(client({ xff: '1.2.3.4, <script>, 10.0.0.8' }), '10.0.0.8')
    assert.equal(client({ forwarded: 'for=1.2.3.4, for=_hidden' }), '10.0.0.1')
  })

  it('is found within so many hops, or not at all', () => {
    const behind = (hops: number): string => `1.2.3.4${', 10.0.0.2'.repeat(hops)}`
    assert.equal(client({ xff: behind(HOPS_MAX - 1) }), '1.2.3.4')
    assert.equal(client({ xff: behind(HOPS_MAX) }), '10.0.0.2')
  })

  it('is what X-Forwarded-For says, where Forwarded says something else', () => {
    assert.equal(client({ xff: '1.2.3.4', forwarded: 'for=6.6.6.6' }), '1.2.3.4')
    assert.equal(client({ xff: 'garbage', forwarded: 'for=6.6.6.6' }), '10.0.0.1')
  })
})

describe('appendForwarded()', () => {
  it('tells in the forms that are asked for, and in no other', () => {
    assert.deepEqual(sent({ x: true }, undefined), {
      'X-Forwarded-For': '10.0.0.1',
      'X-Forwarded-Proto': 'http',
      'X-Forwarded-Host': 'a.example',
    })
    assert.deepEqual(sent({ standard: true }, undefined), { Forwarded: 'for=10.0.0.1;host=a.example;proto=http' })
    assert.deepEqual(sent({}, { xff: '1.2.3.4', proto: 'https' }), {})
  })

  it('says https where the peer speaks TLS, and quotes what must be quoted', () => {
    const headers: string[] = []
    appendForwarded(
      headers,
      { x: true, standard: true },
      { remote: '2001:db8::1', isSecure: true },
      'a:8443',
      undefined,
      TRUSTED,
    )
    assert.deepEqual(headers, [
      'X-Forwarded-For', '2001:db8::1', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'a:8443',
      'Forwarded', 'for="[2001:db8::1]";host="a:8443";proto=https',
    ]) // biome-ignore format: pairs read better in rows
  })

  it('translates a chain that came in the other form', () => {
    const forwarded = 'for=1.2.3.4;proto=https;host=b.example, for=_hidden, for="[fd00::1]"'
    assert.deepEqual(sent({ x: true }, { forwarded: forwarded.replace(' for=_hidden,', '') }), {
      'X-Forwarded-For': '1.2.3.4, fd00::1, 10.0.0.1',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'b.example',
      Forwarded: forwarded.replace(' for=_hidden,', ''),
    })
    assert.equal(sent({ x: true }, { forwarded })['X-Forwarded-For'], '1.2.3.4, unknown, fd00::1, 10.0.0.1')
    assert.equal(
      sent({ standard: true }, { xff: '1.2.3.4, fd00::1' }).Forwarded,
      'for=1.2.3.4, for="[fd00::1]", for=10.0.0.1;host=a.example;proto=http',
    )
  })

  it('passes a Forwarded on as it came, as long as it is whole and agrees', () => {
    const forwarded = 'for="1.2.3.4:99";by=_edge;proto=https'
    assert.equal(sent({ x: true }, { xff: '1.2.3.4', forwarded }).Forwarded, forwarded)
    const own = 'for=10.0.0.1;host=a.example;proto=http'
    assert.equal(sent({ standard: true }, { xff: '1.2.3.4', forwarded }).Forwarded, `${forwarded}, ${own}`)
    for (const other of ['for=6.6.6.6', 'for="1.2.3.4', `${forwarded}, ${forwarded}`]) {
      assert.equal(sent({ x: true }, { xff: '1.2.3.4', forwarded: other }).Forwarded, undefined, other)
      assert.equal(sent({ standard: true }, { xff: '1.2.3.4', forwarded: other }).Forwarded, `for=1.2.3.4, ${own}`)
    }
  })
})

describe('isSecureClient()', () => {
  it('believes the connection, then what a trusted peer says of the client', () => {
    const ask = (isSecure: boolean, said?: Partial<Claims>): boolean =>
      isSecureClient({ ...PEER, isSecure }, said && claims(said), TRUSTED)
    assert.deepEqual([ask(true), ask(false), ask(false, { proto: 'https' })], [true, false, true])
    assert.equal(ask(false, { forwarded: 'for=6.6.6.6, for=1.2.3.4;proto=https, for=10.0.0.2;proto=http' }), true)
    assert.equal(ask(false, { forwarded: 'for=6.6.6.6;proto=https, for=1.2.3.4;proto=http' }), false)
  })
})
