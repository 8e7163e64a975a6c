import { rollDie } from '../../../agents/kit/dice.ts'
import { bucketOf } from '../../../agents/kit/run/latency-buckets.ts'
import { predictor } from '../../../agents/predictor/agent.ts'
import { latenciesCounted, type Settled, settledBatch, troublePredicted } from '../../../agents/signals.ts'
import { Stage } from '../../agents/stage.ts'

/** A service of two endpoints; what befalls one of them, the other is spared. */
const IDS = ['a', 'b'] as const
/** Log-normal with a coefficient of variation of 1. */
const SIGMA = Math.sqrt(Math.log(2))
/** Batches of a second. */
const BATCHES = 10
const BATCH_MS = 1000 / BATCHES

export interface Ramp {
  /** From its begin to the first prediction that was told of it, s; undefined: none was, for half a minute. */
  readonly toldAfterS: number | undefined
  /** Predictions that were told before. */
  readonly falseAlarms: number
  readonly perSecond: number
}

/**
 * Two minutes of steady load, and then the latency of one endpoint grows by a tenth of what is usual each second: ten seconds later its p95 is
 * twice what is usual. It begins at any moment; load is 50 to 200 requests a second, latency 5 to 50 ms.
 */
export async function replayRamp(seed: number): Promise<Ramp> {
  const world = new World(seed)
  const perSecond = 50 + 150 * world.chance()
  const meanMs = 5 + 45 * world.chance()
  const beginS = 120 + world.chance()
  const grown = (atS: number): number => 1 + 0.1 * Math.max(0, atS - beginS)
  await world.live(150, perSecond, (id, atS) => meanMs * (id === 'a' ? grown(atS) : 1))
  const first = world.toldS.find(atS => atS >= beginS)
  return {
    toldAfterS: first === undefined ? undefined : first - beginS,
    falseAlarms: world.toldS.filter(atS => atS < beginS).length,
    perSecond,
  }
}

/** Hours of load and latency as they are in a day, at any time of it: how many predictions were told, all of them false. */
export async function replaySteady(seed: number, hours: number): Promise<number> {
  const world = new World(seed)
  const perSecond = 50 + 150 * world.chance()
  const meanMs = 5 + 45 * world.chance()
  const fromH = 24 * world.chance()
  const wave = (atS: number): number => Math.sin(((fromH + atS / 3600) / 24) * 2 * Math.PI)
  await world.live(
    hours * 3600,
    atS => perSecond * (1 + 0.4 * wave(atS)),
    (_, atS) => meanMs * (1 + 0.2 * wave(atS)),
  )
  return world.toldS.length
}

/** Requests by chance, told to the predictor as the failure detector tells of them. */
class World {
  readonly #stage = new Stage(predictor, {}, IDS).start()
  #die: number
  /** When each prediction was told, s. */
  readonly toldS: number[] = []

  constructor(seed: number) {
    this.#die = seed ^ 0x51ed270b
  }

  chance(): number {
    const rolled = rollDie(this.#die)
    this.#die = rolled.seed
    return rolled.value
  }

  async live(
    forS: number,
    perSecond: number | ((atS: number) => number),
    meanMs: (id: string, atS: number) => number,
  ): Promise<void> {
    const rateAt = typeof perSecond === 'number' ? () => perSecond : perSecond
    for (let second = 0; second < forS; second++) {
      const counts = new Map<number, number>()
      for (let batch = 1; batch <= BATCHES; batch++) {
        const atS = second + batch / BATCHES
        await this.#stage.advance(BATCH_MS, BATCH_MS)
        this.#note(atS)
        this.#hear(settledBatch.of({ rows: this.#batch(counts, rateAt(atS), id => meanMs(id, atS - 0.05)) }), atS)
      }
      const rows = [...counts].map(([key, count]) => {
        const { row, generation } = this.#stage.row(IDS[key >> 8]!)
        return { row, generation, bucket: key & 255, count }
      })
      this.#hear(latenciesCounted.of({ rows }), second + 1)
    }
  }

  #batch(counts: Map<number, number>, perSecond: number, meanMs: (id: string) => number): Settled[] {
    return IDS.map((id, index) => {
      const { row, generation } = this.#stage.row(id)
      let [latencyUsSum, latencyUsMax, ok] = [0, 0, 0]
      const mean = meanMs(id)
      for (let left = this.#poisson(perSecond / BATCHES); left > 0; left--) {
        const us = Math.round(1000 * mean * Math.exp(SIGMA * this.#normal() - SIGMA ** 2 / 2))
        const key = (index << 8) | bucketOf(us)
        counts.set(key, (counts.get(key) ?? 0) + 1)
        ok++
        latencyUsSum += us
        latencyUsMax = Math.max(latencyUsMax, us)
      }
      return { row, generation, ok, error: 0, timeout: 0, abandoned: 0, latencyUsSum, latencyUsMax }
    })
  }

  #hear(draft: Parameters<Stage['hear']>[0], atS: number): void {
    this.#stage.hear(draft)
    this.#note(atS)
  }

  /** What was said is looked at, and not kept for hours. */
  #note(atS: number): void {
    for (const { type } of this.#stage.sent) if (type === troublePredicted.type) this.toldS.push(atS)
    this.#stage.sent.splice(0)
    this.#stage.writes.splice(0)
  }

  /** Counts gaps of exponential lengths. */
  #poisson(mean: number): number {
    let count = -1
    for (let sum = 0; sum < mean; count++) sum -= Math.log(1 - this.chance())
    return count
  }

  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.chance())) * Math.cos(2 * Math.PI * this.chance())
  }
}
