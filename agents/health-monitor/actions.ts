import { elapsedMs, type UpstreamText } from '../../engine/writer.ts'
import { defineAction, type Edge } from '../kit/grammar/action.ts'
import { ask } from './ask.ts'
import { Places } from './places.ts'
import { type Checked, endpointChecked, type Round } from './signals.ts'

export interface CheckParams extends Round {
  /** http://host:port or https://host:port */
  readonly url: string
  /** How its service is connected to; left out: HTTP/1.1, TLS by default. */
  readonly upstream?: UpstreamText | undefined
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

const places = new Places(CHECKS_MAX)

/** Asks an endpoint with GET, over a connection of its own, whether it is well: a 2xx answer in time says so, less so with a header of DEGRADED_HEADERS. */
export const checkEndpoint = defineAction({
  name: 'check-endpoint',
  done: endpointChecked,
  // It keeps its own time, which begins when there is a place for it.
  timeoutMs: 0,
  async run(params: CheckParams, edge): Promise<Checked> {
    await places.enter()
    try {
      return await check(params, edge)
    } finally {
      places.leave()
    }
  },
})

function check(params: CheckParams, edge: Edge): Promise<Checked> {
  const { row, generation, round, url, upstream, path, timeoutMs } = params
  return new Promise(resolve => {
    const since = edge.now()
    let takeBack = (): void => {}
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
      takeBack()
    }
    // An answer that has arrived and waits to be read has come in time: sockets are read before immediates run.
    const timer = setTimeout(() => setImmediate(timeUp), timeoutMs)
    takeBack = ask(
      { url, path, upstream, timeoutMs, signal: edge.signal },
      {
        onAnswer: (status, headers) => {
          const hasPassed = status >= 200 && status < 300
          const isDegraded = DEGRADED_HEADERS.some(name => name in headers)
          end(hasPassed ? (isDegraded ? 'degraded' : 'passed') : 'failed', String(status))
        },
        // After the verdict this is a cut connection that concerns nobody; `end` has no second effect.
        onError: error => end('failed', reasonOf(error)),
      },
    )
  })
}

function reasonOf(error: unknown): string {
  const { code, message, cause } = error as { code?: unknown; message?: unknown; cause?: unknown }
  // Who does not trust an endpoint says why.
  if (code === 'SBX_UPSTREAM_TLS' && cause !== undefined) return reasonOf(cause)
  return typeof code === 'string' ? code : String(message)
}
