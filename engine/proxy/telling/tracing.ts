import type { IncomingMessage } from 'node:http'
import { SignalboxError } from '../../errors.ts'
import { hostName } from '../message/target.ts'
import type { Access } from './access-line.ts'

/**
 * Requests as spans of OpenTelemetry, through its API package alone: which SDK there is, where spans go and what is sampled
 * is decided by who sets one up in this thread (`NODE_OPTIONS=--import ./telemetry.mjs` reaches every thread). Without one
 * the API does nothing, and a traceparent passes on untouched.
 *
 * Names of attributes: the stable HTTP server conventions of OpenTelemetry, semantic conventions 1.23 and later.
 */

/** What is used of @opentelemetry/api, written down here so that our types do not ask for a package few have. */
interface Api {
  trace: {
    getTracer(name: string): { startSpan(name: string, options: object, context: unknown): Span }
    setSpan(context: unknown, span: Span): unknown
  }
  propagation: {
    extract(context: unknown, carrier: object): unknown
    inject(context: unknown, carrier: object): void
  }
  ROOT_CONTEXT: unknown
  SpanKind: { SERVER: number }
  SpanStatusCode: { ERROR: number }
}

interface Span {
  setAttribute(name: string, value: string | number): unknown
  setStatus(status: { code: number }): unknown
  end(): void
}

/** Throws SBX_TRACE_UNAVAILABLE where the package is not installed. */
export async function loadTracing(load: (name: string) => Promise<unknown> = name => import(name)): Promise<Tracing> {
  const name = '@opentelemetry/api'
  try {
    return new Tracing((await load(name)) as Api)
  } catch (cause) {
    throw new SignalboxError(
      'SBX_TRACE_UNAVAILABLE',
      `Cannot trace requests: the package ${name} is not there, install it or write trace: false`,
      { cause },
    )
  }
}

/** Methods the conventions know; any other is told apart, so that a stranger cannot make up names of spans. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'QUERY'])

export class Tracing {
  readonly #api: Api
  readonly #tracer: ReturnType<Api['trace']['getTracer']>

  constructor(api: Api) {
    this.#api = api
    this.#tracer = api.trace.getTracer('signalbox')
  }

  /** Begins the span of a request, below the one its header names. */
  begin(
    request: IncomingMessage,
    host: string,
    from: { remote: string; client: string; isSecure: boolean },
  ): RequestSpan {
    const { trace, propagation, ROOT_CONTEXT, SpanKind } = this.#api
    const above = propagation.extract(ROOT_CONTEXT, request.headers)
    const written = request.method ?? ''
    const isKnown = METHODS.has(written)
    const url = request.url ?? ''
    const query = url.indexOf('?')
    const port = /:(\d+)$/.exec(host)?.[1]
    const attributes = {
      'http.request.method': isKnown ? written : '_OTHER',
      ...(!isKnown && { 'http.request.method_original': written }),
      'url.path': query < 0 ? url : url.slice(0, query),
      'url.scheme': from.isSecure ? 'https' : 'http',
      'server.address': hostName(host),
      ...(port !== undefined && { 'server.port': Number(port) }),
      'client.address': from.client,
      'network.peer.address': from.remote,
      'network.protocol.version': protocolOf(request),
    }
    const span = this.#tracer.startSpan(isKnown ? written : 'HTTP', { kind: SpanKind.SERVER, attributes }, above)
    return new RequestSpan(this.#api, span, trace.setSpan(above, span))
  }
}

/** The span of one request. */
export class RequestSpan {
  readonly #api: Api
  readonly #span: Span
  readonly #context: unknown

  constructor(api: Api, span: Span, context: unknown) {
    this.#api = api
    this.#span = span
    this.#context = context
  }

  /** Puts what names this span into the header of the upstream request, in place of what named the one above. */
  inject(headers: string[]): void {
    const carrier: Record<string, string> = {}
    this.#api.propagation.inject(this.#context, carrier)
    const names = Object.keys(carrier)
    if (names.length === 0) return
    const lower = new Set(names.map(name => name.toLowerCase()))
    for (let i = headers.length - 2; i >= 0; i -= 2) {
      if (lower.has(headers[i].toLowerCase())) headers.splice(i, 2)
    }
    for (const name of names) headers.push(name, carrier[name])
  }

  end({ status, reason, service, endpoint }: Access): void {
    const span = this.#span
    if (status !== 0) span.setAttribute('http.response.status_code', status)
    if (service !== '') span.setAttribute('signalbox.service', service)
    if (endpoint !== '') span.setAttribute('signalbox.endpoint', endpoint)
    // What the downstream did wrong is no error of this side; a response that broke off is, whatever its status.
    if (status >= 500 || (reason !== '' && (status === 0 || status < 400))) {
      span.setAttribute('error.type', reason === '' ? String(status) : reason)
      span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
    }
    span.end()
  }
}

/** Version of HTTP as the conventions and the log write it. */
export function protocolOf({ httpVersionMajor, httpVersionMinor }: IncomingMessage): string {
  if (httpVersionMajor > 1) return String(httpVersionMajor)
  return httpVersionMinor === 0 ? '1.0' : '1.1'
}
