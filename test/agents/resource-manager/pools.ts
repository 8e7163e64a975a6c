import { createTestControlPlane, ROSTER } from '../../../agents/index.ts'
import { rollDie } from '../../../agents/kit/dice.ts'
import { metricsCollected } from '../../../agents/signals.ts'
import { createSignalbox } from '../../../engine/index.ts'
import { attach } from '../../../engine/router/attachment.ts'

/** Requests an endpoint works on at a time; what is beyond waits there, first come, first served. */
const CAPACITY = 8
const TICK_MS = 10

export interface PoolsOptions {
  readonly seed: number
  readonly perSecond: number
  readonly seconds: number
  /** What the endpoints may cost in an hour. */
  readonly goal: number
  readonly policy: string
}

export interface PoolsResult {
  /** Over the last third: what an hour costs, and ms at the 99th percentile. */
  readonly perHour: number
  readonly p99Ms: number
  /** Share of the requests that went to the dear pool. */
  readonly dearShare: number
}

/**
 * Two pools of three endpoints, of which an hour costs 1 and 3, before the real router and the real resource manager in virtual time. A request
 * takes 10 … 30 ms of work, and waits where all places are taken. What the agent says of costs is folded into factors here, as the load
 * balancer does; p99 of the last ten seconds is told here, as the metrics collector does. All of chance is one die.
 */
export async function livePools({ seed, perSecond, seconds, goal, policy }: PoolsOptions): Promise<PoolsResult> {
  let die = { value: 0, seed }
  const chance = (): number => {
    die = rollDie(die.seed)
    return die.value
  }
  const plane = createTestControlPlane({ roster: ROSTER.filter(({ name }) => name === 'resource-manager'), seed })
  const endpoints = [1, 1, 1, 3, 3, 3].map((cost, i) => ({
    ...{ id: `${cost === 1 ? 'cheap' : 'dear'}-${i}`, url: `http://127.0.0.1:${i + 1}`, cost, capacity: CAPACITY },
  }))
  const box = await createSignalbox(
    { services: { api: { policy, endpoints } }, agents: { 'resource-manager': { costs: { goal } } } },
    { control: plane },
  )
  const router = box.router('api')
  const tables = attach(box.handle)
  const rows = new Map(box.explain('api').endpoints.map(({ id, row }) => [id, row]))
  const places = new Map(endpoints.map(({ id }) => [id, Array<number>(CAPACITY).fill(0)]))
  const underWay: { ticket: number; endMs: number; latencyMs: number }[] = []
  let recent: { endMs: number; latencyMs: number }[] = []
  const settled: number[] = []
  let [spent, dear, all, folded] = [0, 0, 0, 0]
  const lastThirdMs = (seconds * 2000) / 3

  const request = (nowMs: number): void => {
    const ticket = router.pick()
    const { id } = router.endpoint(ticket)
    const free = places.get(id)!
    const place = free.indexOf(Math.min(...free))
    const workMs = 10 + 20 * chance()
    const endMs = Math.max(nowMs, free[place]!) + workMs
    free[place] = endMs
    underWay.push({ ticket, endMs, latencyMs: endMs - nowMs })
    if (nowMs < lastThirdMs) return
    const isDear = id.startsWith('dear')
    spent += ((isDear ? 3 : 1) * workMs) / CAPACITY
    all++
    if (isDear) dear++
  }
  const settle = (nowMs: number): void => {
    for (let i = underWay.length - 1; i >= 0; i--) {
      const { ticket, endMs, latencyMs } = underWay[i]!
      if (endMs > nowMs) continue
      underWay[i] = underWay.at(-1)!
      underWay.pop()
      router.settle(ticket, 'ok', Math.round(latencyMs * 1000))
      recent.push({ endMs, latencyMs })
      if (nowMs >= lastThirdMs) settled.push(latencyMs)
    }
  }
  const fold = (): void => {
    const said = plane.journal.about('api').filter(({ type }) => type === 'signalbox.service.costs-weighed')
    for (const { data } of said.slice(folded)) {
      for (const { id, factor } of (data as { factors: { id: string; factor: number }[] }).factors) {
        tables.endpoints.setFactor(rows.get(id)!, factor)
      }
      tables.services.refreshPullMax(0, [...rows.values()], tables.endpoints)
    }
    folded = said.length
  }
  const tellMetrics = (nowMs: number): void => {
    recent = recent.filter(({ endMs }) => endMs > nowMs - 10_000)
    const us = Math.round(
      1000 *
        quantile(
          recent.map(({ latencyMs }) => latencyMs),
          0.99,
        ),
    )
    const figures = {
      ...{ requests: recent.length, perSecond: recent.length / 10, errorShare: 0 },
      ...{ latencyUsP50: us, latencyUsP95: us, latencyUsP99: us },
    }
    const services = [{ service: 'api', last10s: figures, last60s: figures }]
    plane.hear(metricsCollected.of({ services, endpoints: [], endpointsLeftOut: 0 }))
  }

  try {
    let dueMs = 0
    for (let nowMs = 0; nowMs < seconds * 1000; nowMs += TICK_MS) {
      while (dueMs < nowMs + TICK_MS) {
        request(dueMs)
        // Poisson: the time to the next is exponential.
        dueMs += (-Math.log(1 - chance()) * 1000) / perSecond
      }
      settle(nowMs + TICK_MS)
      if (nowMs % 5_000 === 0) tellMetrics(nowMs)
      await plane.advance(TICK_MS)
      if (nowMs % 1_000 === 0) fold()
    }
    const windowMs = seconds * 1000 - lastThirdMs
    return { perHour: spent / windowMs, p99Ms: quantile(settled, 0.99), dearShare: dear / all }
  } finally {
    await box.close()
  }
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.ceil(q * sorted.length) - 1] ?? 0
}
