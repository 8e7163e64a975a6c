import type { TestContext } from 'node:test'
import { createTestControlPlane, ROSTER } from '../../../agents/index.ts'
import { rollDie } from '../../../agents/kit/dice.ts'
import { connectivityMeasured, type Figures, metricsCollected } from '../../../agents/signals.ts'
import { type ConfigInput, createSignalbox } from '../../../engine/index.ts'
import { attach } from '../../../engine/router/attachment.ts'

type Knobs = NonNullable<NonNullable<ConfigInput['agents']>['topology-optimizer']>

export interface ZonesOptions {
  readonly service?: Omit<NonNullable<ConfigInput['services'][string]>, 'endpoints'>
  readonly knobs?: Knobs
  readonly zone?: string
}

/**
 * Three endpoints in each of two zones before the real router and the real topology optimizer, in virtual time. How they are reached is told here,
 * as node discovery does, with noise of one die; what the agent prefers is folded into factors here, as the load balancer does.
 */
export async function twoZones(t: TestContext, { service = {}, knobs = {}, zone = 'near' }: ZonesOptions = {}) {
  let die = { value: 0, seed: 5 }
  const chance = (): number => {
    die = rollDie(die.seed)
    return die.value
  }
  const plane = createTestControlPlane({ roster: ROSTER.filter(({ name }) => name === 'topology-optimizer') })
  const endpoints = ['near', 'far'].flatMap((zone, z) =>
    [0, 1, 2].map(i => ({ id: `${zone}-${i}`, url: `http://127.0.0.1:${3 * z + i + 1}`, zone })),
  )
  const box = await createSignalbox(
    { zone, services: { api: { policy: 'random', ...service, endpoints } }, agents: { 'topology-optimizer': knobs } },
    { control: plane },
  )
  t.after(() => box.close())
  const router = box.router('api')
  const tables = attach(box.handle)
  const world = {
    ...{ box, plane, tables },
    /** ms it takes to connect, by zone; and by how much that strays. */
    connectMs: { near: 1, far: 1 } as Record<string, number>,
    noise: 0.1,
    /** µs at the 95th percentile, told where it is not 0. */
    p95Us: 0,
    /** What was preferred, as factors of the far zone beside the near one, in order. */
    preferred: (): string[] =>
      plane.journal
        .about('api')
        .filter(({ type }) => type === 'signalbox.zone.preference-changed')
        .map(({ data }) => {
          const { zones } = data as { zones: { zone: string; factor: number }[] }
          return zones.map(({ zone, factor }) => `${zone} ${factor.toFixed(2)}`).join(' ')
        }),
    /** Time passes, with all that others tell every 5 s. */
    async advance(seconds: number): Promise<void> {
      for (let second = 0; second < seconds; second += 5) {
        tell()
        await plane.advance(5_000)
        fold()
      }
    },
    /** Share of the requests that go to the near zone. */
    nearShare(requests = 2_000): number {
      let near = 0
      for (let i = 0; i < requests; i++) {
        const ticket = router.pick()
        if (router.endpoint(ticket).zone === 'near') near++
        router.settle(ticket, 'ok', 1)
      }
      return near / requests
    },
  }
  const tell = (): void => {
    const rows = box.explain('api').endpoints.map(({ id, row, zone }) => ({
      ...{ row, generation: tables.endpoints.generation(row), service: 'api', id },
      connectMs: world.connectMs[zone]! * (1 + world.noise * (2 * chance() - 1)),
      ...{ loss: 0, bandwidthMbit: null, measurements: 1 },
    }))
    plane.hear(connectivityMeasured.of({ rows }))
    if (world.p95Us === 0) return
    const us = world.p95Us
    const figures: Figures = {
      ...{ requests: 500, perSecond: 50, errorShare: 0, latencyUsP50: us, latencyUsP95: us, latencyUsP99: us },
    }
    const services = [{ service: 'api', last10s: figures, last60s: figures }]
    plane.hear(metricsCollected.of({ services, endpoints: [], endpointsLeftOut: 0 }))
  }
  let folded = 0
  const fold = (): void => {
    const said = plane.journal.about('api').filter(({ type }) => type === 'signalbox.zone.preference-changed')
    for (const { data } of said.slice(folded)) {
      const { zones } = data as { zones: { zone: string; factor: number }[] }
      for (const { row, zone } of box.explain('api').endpoints) {
        tables.endpoints.setFactor(row, zones.find(each => each.zone === zone)?.factor ?? 1)
      }
      tables.services.refreshPullMax(0, tables.serviceTexts()[0]!.rows, tables.endpoints)
    }
    folded = said.length
  }
  return world
}
