import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Signal } from '../../../../agents/kit/grammar/signal.ts'
import {
  type CloudEvent,
  decodeBatch,
  decodeEvent,
  EVENT_BYTES_MAX,
  encodeBatch,
  encodeEvent,
  eventOf,
  signalOf,
} from '../../../../agents/kit/outside/cloud-event.ts'

const EVENT = { specversion: '1.0', id: 'A', source: '/s', type: 't' } as const

/** What reading an event with these members, beside the required ones, came to. */
function read(members: Record<string, unknown>): CloudEvent | string {
  const verdict = decodeEvent(JSON.stringify({ ...EVENT, ...members }))
  return verdict.isGood ? verdict.value : verdict.fault
}

/** Examples of the JSON Event Format for CloudEvents 1.0.2 (3.2, 4.3) and of CloudEvents 1.0.2 (5), with base64 where they leave it open. */
const PUBLISHED = [
  `{ "specversion": "1.0", "type": "com.example.someevent", "source": "/mycontext", "id": "A234-1234-1234",
     "time": "2018-04-05T17:31:00Z", "comexampleextension1": "value", "comexampleothervalue": 5,
     "datacontenttype": "application/vnd.apache.thrift.binary", "data_base64": "gAEAAQ==" }`,
  `{ "specversion": "1.0", "type": "com.example.someevent", "source": "/mycontext", "id": "B234-1234-1234",
     "time": "2018-04-05T17:31:00Z", "comexampleextension1": "value", "comexampleothervalue": 5,
     "unsetextension": null, "datacontenttype": "application/xml", "data": "<much wow=\\"xml\\"/>" }`,
  `{ "specversion": "1.0", "type": "com.example.someevent", "source": "/mycontext", "subject": null,
     "id": "C234-1234-1234", "time": "2018-04-05T17:31:00Z", "comexampleextension1": "value",
     "comexampleothervalue": 5, "datacontenttype": "application/json",
     "data": { "appinfoA": "abc", "appinfoB": 123, "appinfoC": true } }`,
  `{ "specversion": "1.0", "type": "com.example.someevent", "source": "/mycontext", "subject": null,
     "id": "D234-1234-1234", "time": "2018-04-05T17:31:00Z", "comexampleextension1": "value",
     "comexampleothervalue": 5, "data": "I'm just a string" }`,
  `{ "specversion": "1.0", "type": "com.github.pull_request.opened", "source": "https://github.com/cloudevents/spec/pull",
     "subject": "123", "id": "A234-1234-1234", "time": "2018-04-05T17:31:00Z", "comexampleextension1": "value",
     "comexampleothervalue": 5, "datacontenttype": "text/xml", "data": "<much wow=\\"xml\\"/>" }`,
]

test('decodeEvent() reads the published examples', () => {
  const events = PUBLISHED.map(text => {
    const verdict = decodeEvent(text)
    assert.ok(verdict.isGood, text)
    return verdict.value
  })
  assert.deepEqual(
    events.map(({ data }) => data),
    [
      new Uint8Array([0x80, 1, 0, 1]),
      '<much wow="xml"/>',
      { appinfoA: 'abc', appinfoB: 123, appinfoC: true },
      "I'm just a string",
      '<much wow="xml"/>',
    ],
  )
  assert.equal('unsetextension' in events[1]!, false, 'null is not set')
  assert.equal('subject' in events[2]!, false)
  assert.deepEqual([events[0]!.comexampleextension1, events[0]!.comexampleothervalue], ['value', 5])
})

test('decodeBatch() reads the published batch, and the empty one', () => {
  const batch = decodeBatch(`[${PUBLISHED[0]},${PUBLISHED[2]}]`)
  assert.ok(batch.isGood)
  assert.deepEqual(
    batch.value.map(({ id }) => id),
    ['A234-1234-1234', 'C234-1234-1234'],
  )
  assert.deepEqual(decodeBatch('[]'), { isGood: true, value: [] })
  assert.deepEqual(decodeBatch(`[${PUBLISHED[0]}, {}]`), {
    isGood: false,
    fault: 'in event 1: "specversion" is missing',
  })
  assert.deepEqual(decodeBatch('{}'), { isGood: false, fault: 'it is not a JSON array of events' })
})

test('decodeEvent() says which attribute is wrong, and how', () => {
  const faults: [members: Record<string, unknown>, fault: RegExp][] = [
    [{ id: null }, /^"id" is missing$/],
    [{ source: null }, /^"source" is missing$/],
    [{ type: null }, /^"type" is missing$/],
    [{ specversion: null }, /^"specversion" is missing$/],
    [{ id: '' }, /^"id" is empty/],
    [{ type: '' }, /^"type" is empty/],
    [{ source: '' }, /^"source" is empty/],
    [{ subject: '' }, /^"subject" is empty/],
    [{ specversion: '0.3' }, /^"specversion" is "0\.3", not "1\.0"/],
    [{ id: 5 }, /^"id" is the number 5, write a string$/],
    [{ subject: true }, /^"subject" is a boolean, write a string$/],
    [{ source: 'a b' }, /^"source" is "a b", not a URI/],
    [{ source: '%zz' }, /not a URI/],
    [{ dataschema: '/relative' }, /^"dataschema" is "\/relative", not a URI, such/],
    [{ datacontenttype: 'json' }, /^"datacontenttype" is "json", not a media type/],
    [{ time: '2018-04-05' }, /^"time" is "2018-04-05", not a time of RFC 3339/],
    [{ traceparent: '00-0-0-0' }, /^"traceparent" is "00-0-0-0", not a traceparent/],
    [{ Upper: 'a' }, /^"Upper" is no name of an attribute: 1 to 20 of a-z and 0-9$/],
    [{ 'has-dash': null }, /^"has-dash" is no name/],
    [{ ['a'.repeat(21)]: 'a' }, /is no name/],
    [{ extension: { a: 1 } }, /^"extension" is an object, write a string, a boolean, or a whole number of 32 bits$/],
    [{ extension: [1] }, /^"extension" is an array/],
    [{ extension: 1.5 }, /^"extension" is the number 1\.5/],
    [{ extension: 2 ** 31 }, /^"extension" is the number 2147483648/],
    [{ subject: 'line\nbreak' }, /^"subject" has characters that no attribute may have/],
    [{ subject: '\ud800' }, /^"subject" has characters/],
    [{ subject: '\ufffe' }, /^"subject" has characters/],
    [{ data: 1, data_base64: 'AA==' }, /^it has "data" and "data_base64"/],
    [{ data_base64: 'A' }, /^"data_base64" is not base64$/],
    [{ data_base64: 'A-_=' }, /^"data_base64" is not base64$/],
    [{ data_base64: 5 }, /^"data_base64" is not base64$/],
    [{ datacontenttype: 'text/plain', data: {} }, /^"data" is not a string, and "text\/plain" is not JSON$/],
    [Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`x${i}`, 'a'])), /^it has more than 64 attributes$/],
  ]
  for (const [members, fault] of faults) assert.match(String(read(members)), fault)
  assert.deepEqual(decodeEvent('[]'), { isGood: false, fault: 'it is not a JSON object' })
  assert.deepEqual(decodeEvent('{'), { isGood: false, fault: 'it is not JSON' })
})

test('decodeEvent() takes the times that RFC 3339 takes, and no others', () => {
  for (const time of [
    '2018-04-05T17:31:00Z',
    '1985-04-12t23:20:50.52z',
    '1996-12-19T16:39:57-08:00',
    '1990-12-31T23:59:60Z',
    '2024-02-29T00:00:00+23:59',
    '2000-02-29T00:00:00Z',
  ]) {
    assert.equal((read({ time }) as CloudEvent).time, time)
  }
  for (const time of [
    '2018-04-05T17:31:00',
    '2018-04-05 17:31:00Z',
    '2018-13-05T17:31:00Z',
    '2018-00-05T17:31:00Z',
    '2018-04-31T17:31:00Z',
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2018-04-05T24:00:00Z',
    '2018-04-05T17:60:00Z',
    '2018-04-05T17:31:61Z',
    '2018-04-05T17:31:00.Z',
    '2018-04-05T17:31:00+24:00',
    '18-04-05T17:31:00Z',
  ]) {
    assert.match(String(read({ time })), /not a time of RFC 3339/, time)
  }
})

test('decodeEvent() takes a traceparent of version 00 and of later ones, and none of zeroes', () => {
  const [trace, span] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7']
  for (const traceparent of [`00-${trace}-${span}-01`, `01-${trace}-${span}-01-more`]) {
    assert.equal((read({ traceparent }) as CloudEvent).traceparent, traceparent)
  }
  for (const traceparent of [
    `00-${trace}-${span}-01-more`,
    `ff-${trace}-${span}-01`,
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
  ]) {
    assert.match(String(read({ traceparent })), /not a traceparent/, traceparent)
  }
})

test('decodeEvent() reads no event that is too large or nested too deep', () => {
  const text = (bytes: number): string => JSON.stringify({ ...EVENT, data: 'x'.repeat(bytes) })
  const frame = text(0).length
  assert.equal(decodeEvent(text(EVENT_BYTES_MAX - frame)).isGood, true)
  assert.deepEqual(decodeEvent(text(EVENT_BYTES_MAX - frame + 1)), {
    isGood: false,
    fault: 'it is larger than 65536 bytes',
  })
  const nested = (levels: number): string =>
    JSON.stringify(EVENT).replace('}', `,"data":${'['.repeat(levels)}${']'.repeat(levels)}}`)
  assert.equal(decodeEvent(nested(32)).isGood, true)
  assert.deepEqual(decodeEvent(nested(33)), { isGood: false, fault: '"data" is nested deeper than 32 levels' })
  assert.equal(decodeEvent(nested(30_000)).isGood, false)
})

test('encodeEvent() writes nothing that is no event', () => {
  assert.throws(() => encodeEvent({ ...EVENT, id: '' }), { code: 'SBX_AGENT_INVALID', message: /"id" is empty/ })
  assert.throws(() => encodeEvent({ ...EVENT, data: 5n }), { code: 'SBX_AGENT_INVALID', message: /cannot be JSON/ })
})

test('a signal is a valid event, and the same signal again', () => {
  const signal: Signal = {
    id: '1',
    specversion: '1.0',
    type: 'signalbox.endpoint.ejected',
    source: '/signalbox/agents/failure-detector',
    subject: 'api/a',
    time: '2026-01-01T00:00:00.000Z',
    data: { row: 1 },
    causationid: '0',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  }
  const verdict = decodeEvent(encodeEvent(eventOf(signal)))
  assert.ok(verdict.isGood)
  assert.deepEqual(verdict.value, { ...signal, datacontenttype: 'application/json' })
  assert.deepEqual(signalOf(verdict.value, 'another time'), signal)
})

test('signalOf() gives a time and null where there is none, and leaves what signals do not have', () => {
  assert.deepEqual(signalOf({ ...EVENT, strange: 'x', causationid: 'c' }, '2026-01-01T00:00:00Z'), {
    ...EVENT,
    time: '2026-01-01T00:00:00Z',
    data: null,
    causationid: 'c',
  })
})

/** Any character, ASCII half of the time; the widest unit of fast-check itself takes seconds to get ready. */
const character = fc
  .oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0x80, max: 0x10ffff }).filter(code => code < 0xd800 || code > 0xdfff),
  )
  .map(code => String.fromCodePoint(code))

const text = fc
  .string({ unit: character, minLength: 1, maxLength: 20 })
  .filter(each => !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(each))
const name = fc
  .stringMatching(/^[a-z0-9]{1,20}$/)
  .filter(
    each =>
      ![
        'data',
        'id',
        'source',
        'type',
        'time',
        'subject',
        'specversion',
        'datacontenttype',
        'dataschema',
        'traceparent',
        'causationid',
      ].includes(each),
  )
const attributes = fc.record(
  {
    specversion: fc.constant('1.0' as const),
    id: text,
    source: fc.webPath({ size: 'small' }).map(path => `/${path}`),
    type: text,
    subject: text,
    time: fc
      .date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') })
      .map(date => date.toISOString()),
    dataschema: fc.webUrl(),
  },
  { requiredKeys: ['specversion', 'id', 'source', 'type'] },
)
const extensions = fc.dictionary(name, fc.oneof(text, fc.boolean(), fc.integer()), { maxKeys: 4 })
const carried = fc.oneof(
  fc.constant({}),
  fc.record({ data: fc.jsonValue({ maxDepth: 4 }) }),
  fc.record({
    data: fc.jsonValue({ maxDepth: 4 }),
    datacontenttype: fc.constantFrom('application/json', 'a/b+json; charset=utf-8'),
  }),
  fc.record({ data: fc.string(), datacontenttype: fc.constantFrom('text/plain', 'application/xml') }),
  fc.record({ data: fc.uint8Array(), datacontenttype: fc.constant('application/octet-stream') }),
)

test('what encodeEvent() writes, decodeEvent() reads, and so for batches', () => {
  const event = fc.tuple(attributes, extensions, carried).map(parts => Object.assign({}, ...parts) as CloudEvent)
  // JSON has no minus zero.
  const plain = (each: CloudEvent) =>
    JSON.parse(JSON.stringify(each, (_, value) => (value instanceof Uint8Array ? [...value] : value)))
  fc.assert(
    fc.property(fc.array(event, { maxLength: 3 }), events => {
      for (const each of events) {
        const verdict = decodeEvent(encodeEvent(each))
        assert.ok(verdict.isGood, JSON.stringify(verdict))
        assert.deepEqual(plain(verdict.value), plain(each))
      }
      const batch = decodeBatch(encodeBatch(events))
      assert.ok(batch.isGood)
      assert.deepEqual(batch.value.map(plain), events.map(plain))
    }),
  )
})

test('decodeEvent() answers anything with an event or a fault, and throws at nothing', () => {
  const member = fc.oneof(fc.constantFrom('id', 'data', 'data_base64', 'time', '__proto__', 'constructor'), fc.string())
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.dictionary(member, fc.jsonValue()).map(each => JSON.stringify({ ...EVENT, ...each })),
      ),
      input => {
        const verdict = decodeEvent(input)
        if (verdict.isGood) assert.deepEqual(decodeEvent(encodeEvent(verdict.value)), verdict)
        else assert.equal(typeof verdict.fault, 'string')
      },
    ),
  )
})
