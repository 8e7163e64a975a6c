import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CloudEvent } from '../../../../agents/kit/outside/cloud-event.ts'
import {
  decodeHttp,
  encodeHttp,
  percentDecode,
  percentEncode,
} from '../../../../agents/kit/outside/cloud-event-http.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const CE = {
  'ce-specversion': '1.0',
  'ce-type': 'com.example.someevent',
  'ce-source': '/mycontext',
  'ce-id': 'A234-1234-1234',
}

function receive(headers: Record<string, string | readonly string[]>, body: string | Uint8Array = '') {
  const lists = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? [value] : value]),
  )
  return decodeHttp({ headers: lists, body: typeof body === 'string' ? bytes(body) : body })
}

const event = (headers: Record<string, string>, body?: string | Uint8Array): CloudEvent => {
  const received = receive(headers, body)
  assert.ok(received.isGood, JSON.stringify(received))
  return received.events[0]!
}

const faultOf = (headers: Record<string, string | readonly string[]>, body?: string | Uint8Array): string => {
  const received = receive(headers, body)
  assert.ok(!received.isGood)
  return `${received.because}: ${received.fault}`
}

test('decodeHttp() reads the published examples of binary mode', () => {
  const more = {
    ...CE,
    'ce-time': '2018-04-05T17:31:00Z',
    'ce-comexampleextension1': 'value',
    'ce-comexampleothervalue': '5',
  }
  const attributes = {
    specversion: '1.0',
    type: 'com.example.someevent',
    source: '/mycontext',
    id: 'A234-1234-1234',
    time: '2018-04-05T17:31:00Z',
    comexampleextension1: 'value',
    comexampleothervalue: '5',
  }
  const carried: [type: string, body: string | Uint8Array, data: unknown][] = [
    ['application/vnd.apache.thrift.binary', new Uint8Array([0x80, 1]), new Uint8Array([0x80, 1])],
    ['application/xml', '<much wow="xml"/>', '<much wow="xml"/>'],
    ['application/json', '{ "appinfoA": "abc", "appinfoB": 123 }', { appinfoA: 'abc', appinfoB: 123 }],
    ['application/json; charset=utf-8', '"I\'m just a string"', "I'm just a string"],
  ]
  for (const [type, body, data] of carried) {
    assert.deepEqual(event({ ...more, 'content-type': type }, body), { ...attributes, datacontenttype: type, data })
  }
})

test('decodeHttp() tells the modes apart by their Content-Type', () => {
  const one = JSON.stringify({ specversion: '1.0', id: '1', source: '/s', type: 't' })
  assert.equal(event({ 'content-type': 'application/cloudevents+json; charset=UTF-8' }, one).id, '1')
  const batch = receive({ 'content-type': 'application/cloudevents-batch+json' }, `[${one},${one}]`)
  assert.equal(batch.isGood && batch.events.length, 2)
  assert.equal(event({ ...CE, 'content-type': 'text/plain' }, 'hello').data, 'hello')
  assert.equal('data' in event(CE), false, 'an empty body carries nothing')
})

test('decodeHttp() says what is wrong with a message, and whether its form or its content', () => {
  const json = { 'content-type': 'application/json' }
  const structured = { 'content-type': 'application/cloudevents+json' }
  assert.match(
    faultOf({ 'content-type': 'application/cloudevents+avro' }),
    /^format: "application\/cloudevents\+avro" is not read here/,
  )
  assert.match(
    faultOf(json, '{}'),
    /^format: its Content-Type is "application\/json" and it has no ce-specversion, send/,
  )
  assert.match(faultOf({}), /^format: its Content-Type is missing/)
  assert.match(faultOf({ 'content-type': ['a/b', 'c/d'] }), /^invalid: there is more than one Content-Type/)
  assert.match(
    faultOf({ ...structured, 'content-type': 'application/cloudevents+json; charset=latin1' }, '{}'),
    /charset is "latin1"/,
  )
  assert.match(faultOf(structured, new Uint8Array([0xc0, 0xa0])), /^invalid: its body is not UTF-8/)
  assert.match(faultOf(structured, '{'), /^invalid: it is not JSON/)
  assert.match(
    faultOf({ ...CE, ...json, 'ce-datacontenttype': 'a/b' }),
    /"ce-datacontenttype" is given, say it by Content-Type/,
  )
  assert.match(faultOf({ ...CE, ...json, 'ce-data': 'a' }), /"ce-data" is given/)
  assert.match(faultOf({ ...CE, 'ce-id': ['a', 'b'] }), /^invalid: "ce-id" is given 2 times/)
  assert.match(faultOf({ ...CE, 'ce-subject': '%C0%A0' }), /^invalid: "ce-subject" is not percent-encoded UTF-8/)
  assert.match(faultOf({ ...CE, 'ce-my-extension': 'a' }), /"my-extension" is no name of an attribute/)
  assert.match(faultOf({ ...CE, 'ce-id': '' }), /"id" is empty/)
  assert.match(faultOf({ ...CE, ...json }, '{'), /^invalid: it is not JSON/)
  assert.match(faultOf({ ...CE, ...json }, new Uint8Array([0xff])), /^invalid: its body is not UTF-8/)
})

test('percentEncode() writes the published example, percentDecode() reads it and what older senders wrote', () => {
  assert.equal(percentEncode('Euro € 😀'), 'Euro%20%E2%82%AC%20%F0%9F%98%80')
  assert.equal(percentDecode('Euro%20%e2%82%ac%20%F0%9F%98%80'), 'Euro € 😀')
  assert.equal(percentDecode('%41 plain'), 'A plain')
  assert.equal(percentDecode('"a \\"quoted\\" %25"'), 'a "quoted" %')
  for (const value of ['%C0%A0', '%zz', '%', '%ED%A0%80', '"open', '"a"b"', 'é']) {
    assert.equal(percentDecode(value), undefined, value)
  }
})

/** Any character, ASCII half of the time; the widest unit of fast-check itself takes seconds to get ready. */
const character = fc
  .oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0x80, max: 0x10ffff }).filter(code => code < 0xd800 || code > 0xdfff),
  )
  .map(code => String.fromCodePoint(code))

test('what percentEncode() writes is printable ASCII, and percentDecode() reads it', () => {
  fc.assert(
    fc.property(fc.string({ unit: character }), text => {
      const encoded = percentEncode(text)
      assert.match(encoded, /^[!#-~]*$/)
      assert.equal(percentDecode(encoded), text)
    }),
  )
})

test('what encodeHttp() writes, decodeHttp() reads: attributes as text, what is carried as it was', () => {
  const text = fc
    .string({ unit: character, minLength: 1, maxLength: 20 })
    .filter(each => !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(each))
  const carried = fc.oneof(
    fc.constant({}),
    fc.record({ data: fc.jsonValue({ maxDepth: 4 }), datacontenttype: fc.constant('application/json') }),
    fc.record({
      data: fc.string({ minLength: 1, unit: 'grapheme' }),
      datacontenttype: fc.constantFrom('text/plain', 'a/b+xml'),
    }),
    fc.record({ data: fc.uint8Array({ minLength: 1 }), datacontenttype: fc.constant('application/octet-stream') }),
    fc.record({ data: fc.uint8Array({ minLength: 1 }) }),
  )
  const attributes = fc.record({ id: text, type: text, subject: text, extension: text })
  const plain = (each: unknown) =>
    JSON.parse(JSON.stringify(each, (_, value) => (value instanceof Uint8Array ? [...value] : value)))
  fc.assert(
    fc.property(attributes, carried, (some, what) => {
      const sent: CloudEvent = { specversion: '1.0', source: '/s', ...some, ...what }
      const { headers, body } = encodeHttp(sent)
      assert.deepEqual(plain(event(headers, body)), plain(sent))
    }),
  )
})
