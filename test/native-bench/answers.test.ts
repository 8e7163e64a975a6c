import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Answer, AnswerReader } from '../../native-bench/load/answers.ts'

interface Example {
  readonly text: string
  readonly answer: Answer
}

const EXAMPLES: readonly Example[] = [
  {
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    answer: { status: 200, bodyBytes: 5, isKept: true },
  },
  {
    text: 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\ncontent-length:0\r\n\r\n',
    answer: { status: 503, bodyBytes: 0, isKept: false },
  },
  {
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n',
    answer: { status: 200, bodyBytes: 13, isKept: true },
  },
  { text: 'HTTP/1.1 204 No Content\r\n\r\n', answer: { status: 204, bodyBytes: 0, isKept: true } },
]

test('answers are read the same, however they are cut into pieces', () => {
  const example = fc.constantFrom(...EXAMPLES)
  fc.assert(
    fc.property(fc.array(example, { maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 40 })), (examples, sizes) => {
      const heard: Answer[] = []
      const reader = new AnswerReader(answer => heard.push(answer))
      const bytes = Buffer.from(examples.map(({ text }) => text).join(''), 'latin1')
      let at = 0
      for (const size of sizes) {
        // As a socket does it that reads into one buffer again and again.
        const piece = Buffer.from(bytes.subarray(at, at + size))
        reader.push(piece)
        piece.fill(0)
        at += size
      }
      reader.push(bytes.subarray(at))
      assert.deepEqual(
        heard,
        examples.map(({ answer }) => answer),
      )
      assert.equal(reader.finish(), true)
    }),
  )
})

test('a body without a length ends with the connection, one with a length must not', () => {
  const heard: Answer[] = []
  const unbounded = new AnswerReader(answer => heard.push(answer))
  unbounded.push(Buffer.from('HTTP/1.1 200 OK\r\n\r\nall there'))
  assert.equal(heard.length, 0)
  assert.equal(unbounded.finish(), true)
  assert.deepEqual(heard, [{ status: 200, bodyBytes: 9, isKept: false }])

  const broken = new AnswerReader(answer => heard.push(answer))
  broken.push(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel'))
  assert.equal(broken.finish(), false)
  assert.equal(heard.length, 1)
})

test('what is no answer throws', () => {
  const reader = new AnswerReader(() => assert.fail('there is none'))
  assert.throws(() => reader.push(Buffer.from('<html>\r\n\r\n')), /Cannot read an answer: it begins "<html>/)
})
