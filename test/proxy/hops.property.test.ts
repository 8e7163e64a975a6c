import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clientOf, TrustedPeers } from '../../engine/proxy/message/forwarded.ts'
import {
  HOPS_MAX,
  printAddresses,
  printForwarded,
  readAddresses,
  readForwarded,
} from '../../engine/proxy/message/hops.ts'

const address = fc.oneof(
  fc.ipV4(),
  fc
    .ipV6()
    .filter(text => !text.toLowerCase().startsWith('::ffff:'))
    .map(text => text.toLowerCase()),
)
const node = fc.oneof(
  { weight: 4, arbitrary: address },
  { weight: 1, arbitrary: fc.oneof(fc.constant('unknown'), fc.stringMatching(/^_[A-Za-z0-9._-]{1,20}$/)) },
)
/** What a quoted text may hold: all of visible ASCII, blanks, quotes and backslashes among it. */
const host = fc.oneof(
  fc.constant(''),
  fc.stringMatching(/^[ -~]{1,20}$/),
  fc.constantFrom('a="', '", for=6.6.6.6', '\\', '\\"'),
)
const hop = fc.record({ node, host, proto: fc.constantFrom('', 'http', 'https', 'wss') }, { noNullPrototype: true })
const hops = fc.array(hop, { maxLength: HOPS_MAX })

/** Pieces a chain is made of, in any order, and any other character. */
const noise = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...'for= FOR= by= host= proto= " \\ \\" , ; [ ] : _ unknown 1.2.3.4 [::1] "[::1]:80" =" ::ffff:1.2.3.4 \0'.split(
          ' ',
        ),
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.constant(' '),
    ),
    { maxLength: 40 },
  )
  .map(parts => parts.join(''))

test('readForwarded() reads what printForwarded() wrote', () => {
  fc.assert(
    fc.property(hops, written => {
      assert.deepEqual(readForwarded(printForwarded(written)), { hops: written, isWhole: true })
    }),
  )
})

test('readAddresses() reads what printAddresses() wrote', () => {
  const plain = fc.array(
    fc.oneof(address, fc.constant('unknown')).map(node => ({ node, host: '', proto: '' })),
    { maxLength: HOPS_MAX },
  )
  fc.assert(
    fc.property(plain, written => {
      assert.deepEqual(readAddresses(printAddresses(written)), { hops: written, isWhole: true })
    }),
  )
})

test('noise never throws, and never makes more hops than are read', () => {
  fc.assert(
    fc.property(noise, text => {
      for (const { hops } of [readForwarded(text), readAddresses(text)]) assert.ok(hops.length <= HOPS_MAX)
    }),
    { numRuns: 2000 },
  )
})

test('what a stranger put on the left changes nothing on the right', () => {
  const trusted = new TrustedPeers(['10.0.0.0/8'])
  fc.assert(
    fc.property(noise, address, (text, seen) => {
      fc.pre(!trusted.has(seen))
      const own = { node: seen, host: '', proto: 'https' }
      assert.deepEqual(readForwarded(`${text},${printForwarded([own])}`).hops[0], own)
      assert.equal(readAddresses(`${text},${seen}`).hops[0].node, seen)
      const claims = { proto: undefined, host: undefined }
      const xff = `${text}, ${seen}, 10.0.0.2`
      const forwarded = `${text},${printForwarded([{ ...own, node: '10.0.0.2' }, own])}`
      assert.equal(clientOf('10.0.0.1', { ...claims, xff, forwarded: undefined }, trusted), seen)
      assert.equal(clientOf('10.0.0.1', { ...claims, xff: undefined, forwarded }, trusted), seen)
    }),
    { numRuns: 2000 },
  )
})
