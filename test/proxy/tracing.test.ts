import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Context, propagation, type TextMapPropagator, trace } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { loadTracing } from '../../engine/proxy/telling/tracing.ts'
import { eventually } from '../support/eventually.ts'
import { frontHere } from './front-here.ts'
import { exchangeRaw, head, startRawOrigin, startRig } from './rig.ts'

/** traceparent as W3C Trace Context has it; the one of OpenTelemetry is in a package of its own that is not needed otherwise. */
const W3C: TextMapPropagator = {
  fields: () => ['traceparent'],
  extract(context: Context, carrier, getter) {
    const found = /^00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])$/.exec(String(getter.get(carrier, 'traceparent')))
    if (found === null) return context
    const [, traceId, spanId, flags] = found
    return trace.setSpanContext(context, { traceId, spanId, traceFlags: Number(flags), isRemote: true })
  },
  inject(context, carrier, setter) {
    const { traceId, spanId, traceFlags } = trace.getSpanContext(context) ?? assert.fail('there is a span')
    setter.set(carrier, 'traceparent', `00-${traceId}-${spanId}-0${traceFlags}`)
  },
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const ABOVE = `traceparent: 00-${TRACE}-00f067aa0ba902b7-01`

test('without an SDK the API makes nothing, and the context of a trace passes on as it came', async t => {
  const origin = await startRawOrigin()
  t.after(() => origin.close())
  const { front, port } = await frontHere(t, origin.url)
  front.tracing = await loadTracing()
  await exchangeRaw(port, head('/', ABOVE))
  assert.ok(origin.received().includes(`\r\n${ABOVE}\r\n`))
})

test('a request is a span below the one it names, and the upstream is told of that span', async t => {
  const exporter = new InMemorySpanExporter()
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  propagation.setGlobalPropagator(W3C)
  t.after(() => {
    trace.disable()
    propagation.disable()
  })
  const origin = await startRawOrigin(socket => {
    socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno')
  })
  t.after(() => origin.close())
  const { front, port } = await frontHere(t, origin.url)
  front.tracing = await loadTracing()

  await exchangeRaw(port, head('/a?secret', ABOVE, 'tracestate: a=1'))
  await eventually('the span is over', () => exporter.getFinishedSpans().length === 1)
  const [span] = exporter.getFinishedSpans()
  const { traceId, spanId } = span.spanContext()
  assert.deepEqual(
    [traceId, span.parentSpanContext?.spanId, span.name, span.kind],
    [TRACE, '00f067aa0ba902b7', 'GET', 1],
  )
  assert.deepEqual(span.attributes, {
    'http.request.method': 'GET',
    'url.path': '/a',
    'url.scheme': 'http',
    'server.address': 'a.example',
    'client.address': '127.0.0.1',
    'network.peer.address': '127.0.0.1',
    'network.protocol.version': '1.1',
    'http.response.status_code': 503,
    'signalbox.service': 'api',
    'signalbox.endpoint': 'e0',
    'error.type': '503',
  })
  assert.equal(span.status.code, 2)
  const sent = [...origin.received().matchAll(/\r\ntraceparent: (.*)\r\n/gi)].map(([, value]) => value)
  assert.deepEqual(sent, [`00-${TRACE}-${spanId}-01`])
  assert.match(origin.received(), /\r\ntracestate: a=1\r\n/)

  exporter.reset()
  await exchangeRaw(port, 'REPORT /x HTTP/1.0\r\n\r\n')
  await exchangeRaw(port, 'GET /x HTTP/1.1\r\nHost: a:81\r\nHost: a:81\r\nConnection: close\r\n\r\n')
  await eventually('both spans are over', () => exporter.getFinishedSpans().length === 2)
  const [report, malformed] = exporter.getFinishedSpans()
  assert.equal(report.name, 'HTTP')
  assert.equal(report.attributes['http.request.method'], '_OTHER')
  assert.equal(report.attributes['http.request.method_original'], 'REPORT')
  assert.equal(report.attributes['network.protocol.version'], '1.0')
  assert.equal(malformed.attributes['server.port'], 81)
  assert.equal(malformed.attributes['http.response.status_code'], 400)
  // What the downstream did wrong is no error of this side.
  assert.deepEqual([malformed.attributes['error.type'], malformed.status.code], [undefined, 0])
})

test('the threads of a proxy trace where the config says so', async t => {
  const origin = await startRawOrigin()
  t.after(() => origin.close())
  const rig = await startRig([origin.url], { trace: true })
  t.after(() => rig.close())
  assert.match(await exchangeRaw(rig.port, head('/', ABOVE)), /^HTTP\/1\.1 200 /)
})

test('loadTracing() says what to do where the package is missing', async () => {
  const missing = () => Promise.reject(new Error('no such package'))
  await assert.rejects(loadTracing(missing), {
    code: 'SBX_TRACE_UNAVAILABLE',
    message: 'Cannot trace requests: the package @opentelemetry/api is not there, install it or write trace: false',
  })
})
