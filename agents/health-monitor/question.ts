import type { IncomingHttpHeaders } from 'node:http'
import type { UpstreamText } from '../../engine/writer.ts'

/** What is asked, over a connection of its own that is made as requests to the endpoint make theirs. */
export interface Question {
  /** http://host:port or https://host:port */
  readonly url: string
  readonly path: string
  /** How its service is connected to; left out: HTTP/1.1, TLS by default. */
  readonly upstream?: UpstreamText | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface Listener {
  /** The connection stands; TLS comes next, where it is spoken. */
  onConnected?(): void
  /** Returns how many bytes of the body are wanted; 0: it says nothing. */
  onAnswer(status: number, headers: IncomingHttpHeaders): number
  /** The body, where it was wanted; undefined: it was longer than that, broke off, or took too long. */
  onBody?(body: Buffer | undefined): void
  /** It failed; after an answer that says nothing. */
  onError(error: unknown): void
}

/** Of a body that is not wanted: past this much of it the connection is cut. */
export const BODY_BYTES_MAX = 64 * 1024

/** Before its answer an endpoint may send some others (1xx); more of them is a way to keep others busy. */
export const INTERIM_MAX = 8

export const TOO_MANY_INTERIM = 'it sends interim answers without end'
