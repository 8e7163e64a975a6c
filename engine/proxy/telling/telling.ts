import { channel } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { Connection } from '../downstream/connection.ts'
import type { Front } from '../front.ts'
import { type Claims, clientOf } from '../message/forwarded.ts'
import type { RequestHead } from '../message/headers.ts'
import type { Tries } from '../request/tries.ts'
import type { Access } from './access-line.ts'
import { giveRequestId, settleRequestId } from './request-id.ts'
import { protocolOf, type RequestSpan } from './tracing.ts'

/** On `signalbox:request:start`: a request whose header has come, before anything is decided about it. */
export interface RequestStart {
  /** The same object as at the end of the request. Look, and do not touch: its body is on its way. */
  request: IncomingMessage
  requestId: string
  remote: string
  client: string
}

/** On `signalbox:request:end`: a request that is over, however it ended. */
export type RequestEnd = Access

const STARTS = channel('signalbox:request:start')
const ENDS = channel('signalbox:request:end')

/**
 * What a request tells about itself: its id and its client, and when it is over the line of the log, the counts of the
 * metrics, the span of a trace, the messages to who listens. What nobody asked for is not made.
 */
export class Telling {
  /** On the clock of performance.now. */
  readonly startedAt = performance.now()
  requestId = ''
  /** The name of a route that answers by itself; that of any other is in its lane. */
  route = ''
  #host = ''
  #path = ''
  #claims: Claims | undefined
  #client: string | undefined
  #firstByteUs = -1
  #span: RequestSpan | undefined
  readonly #front: Front
  readonly #connection: Connection
  readonly #request: IncomingMessage

  constructor(front: Front, connection: Connection, request: IncomingMessage) {
    this.#front = front
    this.#connection = connection
    this.#request = request
  }

  /** The downstream at the beginning of the chain of trusted proxies. */
  get client(): string {
    return (this.#client ??= clientOf(this.#connection.remote, this.#claims, this.#front.trusted))
  }

  /** The header has come. */
  begin(head: RequestHead, path: string): void {
    const front = this.#front
    const request = this.#request
    this.#host = head.host
    this.#path = path
    this.#claims = head.claims
    if (front.requestId.enabled) this.requestId = settleRequestId(head, head.claims !== undefined)
    if (STARTS.hasSubscribers) {
      const { remote } = this.#connection
      STARTS.publish({ request, requestId: this.requestId, remote, client: this.client } satisfies RequestStart)
    }
    if (front.tracing !== undefined) {
      const { remote, isSecure } = this.#connection
      this.#span = front.tracing.begin(request, head.host, { remote, client: this.client, isSecure })
    }
  }

  /** Adds to the header of the upstream request what belongs to this one. */
  sendOn(headers: string[]): void {
    this.#span?.inject(headers)
  }

  /** The upstream has answered, so many µs after it was sent the request; `headers` are those of the response. */
  answered(headers: string[], firstByteUs: number): void {
    this.#firstByteUs = firstByteUs
    if (this.#front.requestId.respond && this.requestId !== '') giveRequestId(headers, this.requestId)
  }

  /** The header of an answer of our own; `headers` are shared by all such answers. */
  ownAnswer(headers: readonly string[]): readonly string[] {
    if (!this.#front.requestId.respond || this.requestId === '') return headers
    return [...headers, 'X-Request-Id', this.requestId]
  }

  /** The request is over. */
  end(status: number, bytes: number, bytesIn: number, reason: string, tries: Tries | undefined): void {
    const { log, durations } = this.#front
    const durationMs = performance.now() - this.startedAt
    const attempts = tries?.count ?? 0
    const retries = attempts > 1 ? attempts - 1 : 0
    durations.count(tries?.lane.index ?? -1, status, Math.round(durationMs * 1000), this.#firstByteUs, retries)
    const share = log === undefined ? 0 : log.shareOf(status, durationMs, reason)
    if (share === 0 && this.#span === undefined && !ENDS.hasSubscribers) return
    const access: Access = {
      method: this.#request.method ?? '',
      host: this.#host,
      path: this.#path,
      status,
      bytes,
      bytesIn,
      durationMs,
      firstByteUs: this.#firstByteUs,
      service: tries?.lane.service ?? '',
      route: tries?.lane.route ?? this.route,
      endpoint: tries?.endpoint ?? '',
      attempts,
      reason,
      remote: this.#connection.remote,
      client: this.client,
      protocol: protocolOf(this.#request),
      isSecure: this.#connection.isSecure,
      requestId: this.requestId,
      request: this.#request,
    }
    if (share > 0) log?.write(access, share)
    this.#span?.end(access)
    if (ENDS.hasSubscribers) ENDS.publish(access satisfies RequestEnd)
  }
}
