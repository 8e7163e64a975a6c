import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { urlToHttpOptions } from 'node:url'
import { elapsedMs } from '../../engine/writer.ts'
import { defineAction, type Edge } from '../kit/action.ts'
import { Places } from './places.ts'
import { type Checked, endpointChecked, type Round } from './signals.ts'

export interface CheckParams extends Round {
  /** http://host:port */
  readonly url: string
  readonly path: string
  /** From the start of the connection to the end of the answer's header, in ms. */
  readonly timeoutMs: number
}

/**
 * Checks under way at a time. More would wait for each other in this one thread, and an endpoint be blamed for it; with
 * these a thousand endpoints are checked within a second, or a hundred in the dark that cost a timeout of 500 ms each.
 */
const CHECKS_MAX = 64

/** A check of an idle machine is late by a few ms; so late that the thread must have stood still. */
const STANDSTILL_MS = 250

/** With one of these, whatever it says, an endpoint asks to be spared. The first is Envoy's. */
const DEGRADED_HEADERS = ['x-envoy-degraded', 'x-signalbox-degraded']

/** An answer's body says nothing; past this much of it the connection is cut. */
const BODY_BYTES_MAX = 64 * 1024

const places = new Places(CHECKS_MAX)

/** Asks an endpoint with GET, over a connection of its own, whether it is well: a 2xx answer in time says so, less so with a header of DEGRADED_HEADERS. */
export const checkEndpoint = defineAction<CheckParams, Checked>(
  'check-endpoint',
  endpointChecked,
  async (params, edge) => {
    await places.enter()
    try {
      return await check(params, edge)
    } finally {
      places.leave()
    }
  },
)

function check({ row, generation, round, url, path, timeoutMs }: CheckParams, edge: Edge): Promise<Checked> {
  return new Promise(resolve => {
    const since = edge.now()
    let asked: ClientRequest | undefined
    let isOver = false
    const end = (verdict: Checked['verdict'], reason: string): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      resolve({ row, generation, round, verdict, reason, tookMs: elapsedMs(edge.now(), since) })
    }
    const timeUp = (): void => {
      if (isOver) return
      const hasStoodStill = elapsedMs(edge.now(), since) > timeoutMs + STANDSTILL_MS
      if (hasStoodStill) end('void', 'this machine stood still')
      else end('failed', `no answer within ${timeoutMs} ms`)
      asked?.destroy()
    }
    // An answer that has arrived and waits to be read has come in time: sockets are read before immediates run.
    const timer = setTimeout(() => setImmediate(timeUp), timeoutMs)
    const headers = { connection: 'close' }
    try {
      asked = request({ ...urlToHttpOptions(new URL(url)), path, headers, agent: false, signal: edge.signal })
    } catch (error) {
      end('failed', reasonOf(error))
      return
    }
    asked.on('response', response => {
      const status = response.statusCode ?? 0
      const hasPassed = status >= 200 && status < 300
      const isDegraded = DEGRADED_HEADERS.some(name => name in response.headers)
      end(hasPassed ? (isDegraded ? 'degraded' : 'passed') : 'failed', String(status))
      discard(response, timeoutMs)
    })
    // After the verdict this is a cut connection that concerns nobody; `end` has no second effect.
    asked.on('error', error => end('failed', reasonOf(error)))
    asked.end()
  })
}

/** Lets a short body come in, so that the endpoint sees an orderly end; cuts a long or slow one. */
function discard(response: IncomingMessage, timeoutMs: number): void {
  let bytes = 0
  const timer = setTimeout(() => response.destroy(), timeoutMs)
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) response.destroy()
  })
  response.on('error', () => {})
  response.on('close', () => clearTimeout(timer))
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return typeof code === 'string' ? code : String(message)
}
