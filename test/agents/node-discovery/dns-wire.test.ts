import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type DnsRecord,
  decodeMessage,
  encodeName,
  encodeQuestions,
  words,
} from '../../../agents/node-discovery/names/dns-wire.ts'
import { encodeAnswer } from '../../support/dns-server.ts'

test('decodeMessage() reads what was written', () => {
  const questions = [{ name: '_http._tcp.local', type: 'PTR' }] as const
  assert.deepEqual(decodeMessage(encodeQuestions(7, questions)), { id: 7, isAnswer: false, questions, records: [] })
  const records: DnsRecord[] = [
    { name: 'a.test', ttlS: 70_000, type: 'A', address: '10.1.2.3' },
    { name: 'a.test', ttlS: 1, type: 'SRV', target: 'b.test', port: 80, priority: 1, weight: 2 },
    { name: 'b.test', ttlS: 1, type: 'PTR', target: 'c.test' },
  ]
  assert.deepEqual(decodeMessage(encodeAnswer(1, [], records))?.records, records)
})

test('decodeMessage() follows pointers backwards, and refuses those that lead on or nowhere', () => {
  const head = words(0, 0x8400, 0, 1, 0, 0)
  // The record's target points back at its name, at byte 12.
  const pointing = Buffer.concat([head, encodeName('a.test'), words(12, 1, 0, 9, 2), Buffer.from([0xc0, 12])])
  assert.deepEqual(decodeMessage(pointing)?.records, [{ name: 'a.test', ttlS: 9, type: 'PTR', target: 'a.test' }])
  const itself = Buffer.concat([head, Buffer.from([0xc0, 12]), words(1, 1, 0, 9, 0)])
  assert.equal(decodeMessage(itself), undefined)
})

test('decodeMessage() never throws, whatever it is given', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      decodeMessage(Buffer.from(bytes))
    }),
    { numRuns: 2000 },
  )
})
