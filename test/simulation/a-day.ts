import { createHash } from 'node:crypto'
import { createTestControlPlane } from '../../agents/index.ts'
import { rollDie } from '../../agents/kit/dice.ts'
import { createSignalbox } from '../../engine/index.ts'

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'] as const

const CONFIG = {
  services: {
    api: {
      healthCheck: { path: '/healthz', interval: '10s', timeout: '500ms' },
      outlier: { maxEjected: '40%' },
      slowStart: { window: '30s' },
      endpoints: IDS.map((id, i) => ({ id, url: `http://127.0.0.1:${i + 1}` })),
    },
  },
} as const

export interface Day {
  readonly picks: number
  readonly failedPicks: number
  readonly kills: number
  /** Endpoints that fell ill, some of them more than once. */
  readonly illnesses: number
  /** What the journal says at the end, and of all of the day. */
  readonly journal: string
  readonly digest: string
}

/**
 * A day of the control plane in virtual time: six endpoints that fall ill and recover, traffic in gusts, and now and then an agent that is
 * killed; all of it by one die. The journal is read every hour, so that the digest covers the whole day.
 */
export async function liveADay(seed: number, hours = 24): Promise<Day> {
  let die = { value: 0, seed: seed ^ 0x5eed }
  const chance = (): number => {
    die = rollDie(die.seed)
    return die.value
  }
  const ill = new Set<string>()
  const plane = createTestControlPlane({
    seed,
    actions: {
      'check-endpoint': async ({ row, generation, round, url }, edge) => {
        await new Promise<void>(resolve => edge.later(2, resolve))
        const verdict = ill.has(IDS[Number(new URL(url).port) - 1]!) ? 'failed' : 'passed'
        return { row, generation, round, verdict, reason: verdict === 'failed' ? '503' : '200', tookMs: 2 }
      },
      'reach-endpoint': ({ row, generation, url }) => {
        const hasPassed = !ill.has(IDS[Number(new URL(url).port) - 1]!)
        return { row, generation, hasPassed, reason: hasPassed ? 'connected' : 'ECONNREFUSED' }
      },
    },
  })
  const box = await createSignalbox(CONFIG, { control: plane })
  const router = box.router('api')
  const digest = createHash('sha256')
  let [picks, failedPicks, kills, illnesses] = [0, 0, 0, 0]
  try {
    for (let minute = 0; minute < hours * 60; minute++) {
      if (chance() < 0.05) {
        illnesses++
        ill.add(IDS[Math.floor(chance() * IDS.length)]!)
      }
      for (const id of ill) if (chance() < 0.3) ill.delete(id)
      if (chance() < 0.02) {
        kills++
        await plane.control.kill(['health-monitor', 'load-balancer'][Math.floor(chance() * 2)]!)
      }
      // A gust of requests, then quiet until the minute is over.
      const gust = Math.floor(chance() * 40)
      for (let i = 0; i < gust; i++) {
        const ticket = router.pick()
        picks++
        if (ticket < 0) failedPicks++
        else
          router.settle(
            ticket,
            ill.has(router.endpoint(ticket).id) ? 'error' : 'ok',
            500 + Math.floor(chance() * 1_000),
          )
        await plane.advance(20)
      }
      await plane.advance(60_000 - gust * 20)
      if (minute % 60 === 59 || minute + 1 >= hours * 60) digest.update(plane.journal.toJsonl())
    }
    return {
      ...{ picks, failedPicks, kills, illnesses },
      journal: plane.journal.toJsonl(),
      digest: digest.digest('hex'),
    }
  } finally {
    await box.close()
  }
}
