import { elapsedMs } from '../../engine/writer.ts'
import { defineAction, type Edge } from '../kit/grammar/action.ts'
import { begin, type Inquiry } from './attempt.ts'
import { Places } from './places.ts'
import { sightingsAt } from './sightings.ts'
import { type Checked, endpointChecked, type Round } from './signals.ts'

export interface CheckParams extends Round, Inquiry {
  /** Whose endpoint it is, for those who hear what was seen besides the verdict. */
  readonly service?: string
  readonly id?: string
}

/**
 * Checks under way at a time. More would wait for each other in this one thread, and an endpoint be blamed for it; with
 * these a thousand endpoints are checked within a second, or a hundred in the dark that cost a timeout of 500 ms each.
 */
const CHECKS_MAX = 64

/** A check of an idle machine is late by a few ms; so late that the thread must have stood still. */
const STANDSTILL_MS = 250

const places = new Places(CHECKS_MAX)

/**
 * Asks an endpoint over a connection of its own whether it is well. Of http: with GET, and a 2xx answer in time says so, less so with a header
 * of DEGRADED_HEADERS; of tcp and tls: by connecting; of grpc: by its health service.
 */
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
  const { row, generation, round, timeoutMs, service, id } = params
  return new Promise(resolve => {
    const since = edge.now()
    let takeBack = (_isLate: boolean): void => {}
    let isOver = false
    const conclude = (verdict: Checked['verdict'], reason: string, isLate: boolean): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      resolve({ row, generation, round, verdict, reason, isLate, tookMs: elapsedMs(edge.now(), since) })
    }
    const timeUp = (): void => {
      if (isOver) return
      const hasStoodStill = elapsedMs(edge.now(), since) > timeoutMs + STANDSTILL_MS
      if (hasStoodStill) conclude('void', 'this machine stood still', false)
      else conclude('failed', `no answer within ${timeoutMs} ms`, true)
      takeBack(!hasStoodStill)
    }
    // An answer that has arrived and waits to be read has come in time: sockets are read before immediates run.
    const timer = setTimeout(() => setImmediate(timeUp), timeoutMs)
    const sightings =
      service === undefined || id === undefined || edge.attachment === undefined
        ? undefined
        : sightingsAt(edge.attachment)
    const end = (verdict: Checked['verdict'], reason: string): void => conclude(verdict, reason, false)
    takeBack = begin({ ...params, signal: edge.signal }, end, seen => {
      sightings?.note({ row, generation, service: service!, id: id!, ...seen })
    })
  })
}
