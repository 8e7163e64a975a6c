import type { IncomingHttpHeaders } from 'node:http'
import { LOAD_HEADER, readLoadReport, type UpstreamText } from '../../engine/writer.ts'
import { steadyMs } from '../kit/clock.ts'
import { reasonOf } from '../skills/fault-reason.ts'
import { ask } from './ask.ts'
import { askGrpcHealth } from './ask-grpc.ts'
import { dialerOf, schemed } from './dialers.ts'
import { type HealthBody, isJson, readHealthBody } from './health-body.ts'
import type { Load } from './load-figures.ts'
import type { Sighting } from './sightings.ts'
import type { Checked } from './signals.ts'

/** What is asked of an endpoint, and what counts as a good answer. */
export interface Inquiry {
  /** http://host:port or https://host:port */
  readonly url: string
  /** How its service is connected to; left out: HTTP/1.1, TLS by default. */
  readonly upstream?: UpstreamText | undefined
  /** Left out: http. */
  readonly type?: 'http' | 'tcp' | 'tls' | 'grpc'
  /** Of http. */
  readonly path: string
  /** Of http: statuses that pass, left out: 2xx; and what the body must have in it. */
  readonly expect?: { readonly statuses?: readonly number[]; readonly body?: string } | undefined
  /** Of grpc: the service that is meant; left out: the endpoint as a whole. */
  readonly grpcService?: string
  /** From the start of the connection to the end of the answer's header, in ms. */
  readonly timeoutMs: number
}

export interface Attempted extends Inquiry {
  readonly signal: AbortSignal
}

/** What was seen besides the verdict, piece by piece; some of it after the verdict. */
export type Seen = Omit<Sighting, 'row' | 'generation' | 'service' | 'id'>

type End = (verdict: Checked['verdict'], reason: string, seen?: Seen) => void

/** With one of these, whatever it says, an endpoint asks to be spared. The first is Envoy's. */
const DEGRADED_HEADERS = ['x-envoy-degraded', 'x-signalbox-degraded']

/** A body that says something is short; of a longer one nothing is read. */
export const BODY_BYTES_MAX = 16 * 1024

/**
 * Begins a check in the way of its type. Returns what takes it back, late or not: late is seen too. `end` is told the verdict, further words of it
 * count for nothing; `onSeen` whatever else came to light.
 */
export function begin(attempted: Attempted, end: End, onSeen: (seen: Seen) => void): (isLate: boolean) => void {
  const sinceMs = steadyMs()
  let connectUs: number | undefined
  const onConnected = (): void => {
    connectUs ??= Math.round((steadyMs() - sinceMs) * 1000)
  }
  let isTold = false
  const conclude: End = (verdict, reason, seen) => {
    if (isTold) return
    isTold = true
    const tookUs = Math.round((steadyMs() - sinceMs) * 1000)
    onSeen({ check: { hasPassed: verdict !== 'failed', tookUs }, connects: [connectUs ?? null], ...seen })
    end(verdict, reason)
  }
  const onError = (error: unknown): void => {
    conclude('failed', reasonOf(error), isDistrust(error) ? { tls: { isTrusted: false, daysLeft: undefined } } : {})
  }
  const takeBack = start()
  return isLate => {
    if (isLate) conclude('failed', 'no answer')
    isTold = true
    takeBack()
  }

  function start(): () => void {
    switch (attempted.type) {
      case 'tcp':
      case 'tls':
        return connectTo(attempted, attempted.type, { onConnected, onError }, () => {
          if (attempted.type === 'tcp') conclude('passed', 'connected')
          else conclude('passed', 'TLS', { tls: { isTrusted: true, daysLeft: undefined } })
        })
      case 'grpc': {
        const onAnswer = (isServing: boolean, word: string): void => conclude(isServing ? 'passed' : 'failed', word)
        const question = { ...attempted, grpcService: attempted.grpcService ?? '' }
        return askGrpcHealth(question, { onConnected, onAnswer, onError })
      }
      default:
        return askHttp(attempted, { onConnected, onError }, conclude, onSeen)
    }
  }
}

interface Reached {
  onConnected(): void
  onError(error: unknown): void
}

function askHttp(attempted: Attempted, reached: Reached, conclude: End, onSeen: (seen: Seen) => void): () => void {
  const { expect } = attempted
  let isBodyJson = false
  let whole: Parameters<End> = ['failed', 'no answer']
  return ask(attempted, {
    ...reached,
    onAnswer: (status, headers) => {
      const hasPassed = expect?.statuses?.includes(status) ?? (status >= 200 && status < 300)
      const isDegraded = DEGRADED_HEADERS.some(name => name in headers)
      const shares = loadIn(headers)
      const seen: Seen = { status, ...(shares !== undefined && { load: { by: 'header', shares } }) }
      whole = [hasPassed ? (isDegraded ? 'degraded' : 'passed') : 'failed', String(status), seen]
      isBodyJson = isJson(headers['content-type'])
      // What the body must have in it is waited for; without that the header is the whole answer.
      if (hasPassed && expect?.body !== undefined) return BODY_BYTES_MAX
      conclude(...whole)
      return isBodyJson ? BODY_BYTES_MAX : 0
    },
    onBody: bytes => {
      const text = bytes?.toString('utf8')
      if (text !== undefined && isBodyJson) seeBody(text, onSeen)
      if (expect?.body === undefined || text?.includes(expect.body) === true) conclude(...whole)
      else conclude('failed', `its body does not have ${JSON.stringify(expect.body)} in it`, whole[2])
    },
  })
}

function seeBody(text: string, onSeen: (seen: Seen) => void): void {
  const body = readHealthBody(text)
  if (body !== undefined) onSeen({ body, ...loadOf(body) })
}

/** What a body says of loads, where it says any. */
export function loadOf({ load }: HealthBody): Pick<Sighting, 'load'> {
  return Object.keys(load).length === 0 ? {} : { load: { by: 'health-body', shares: load } }
}

/** What a header says of loads; undefined: nothing. */
export function loadIn(headers: IncomingHttpHeaders): Load | undefined {
  const written = headers[LOAD_HEADER]
  const { cpu, memory, utilisation } = (typeof written === 'string' && readLoadReport(written)) || {}
  if (cpu === undefined && memory === undefined && utilisation === undefined) return undefined
  return {
    ...(cpu !== undefined && { cpu }),
    ...(memory !== undefined && { memory }),
    ...(utilisation !== undefined && { utilisation }),
  }
}

function connectTo(
  { url, upstream, timeoutMs, signal }: Attempted,
  type: 'tcp' | 'tls',
  { onConnected, onError }: Reached,
  onDone: () => void,
): () => void {
  const target = schemed(url, type === 'tcp' ? 'http:' : 'https:')
  const socket = dialerOf({ url: target, upstream, timeoutMs }).dial((error, dialed) => {
    signal.removeEventListener('abort', takeBack)
    dialed?.destroy()
    if (error === null) {
      onConnected()
      onDone()
    } else onError(error)
  })
  const takeBack = (): void => void socket?.destroy()
  signal.addEventListener('abort', takeBack)
  // With TLS it stands before the hands are shaken.
  socket?.once('connect', onConnected)
  return takeBack
}

export function isDistrust(error: unknown): boolean {
  return (error as { code?: unknown } | null | undefined)?.code === 'SBX_UPSTREAM_TLS'
}
