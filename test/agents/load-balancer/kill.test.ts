import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../support/eventually.ts'
import { startDrill } from '../drill/drill.ts'

test('a load balancer that is killed under load again and again fails no pick; what it wrote stands, and it goes on from there (AG-2)', async t => {
  const drill = await startDrill(t, { backOffMsMax: 10, restarts: 1_000 })
  const { box } = drill
  const runs = (): boolean => drill.status('load-balancer').state === 'running'
  await eventually('it runs', runs, 20_000)
  // Written by nobody but the load balancer: what stands there when it comes back is what it goes on from.
  const latencyOf = (id: string): number => box.explain('api').endpoints.find(each => each.id === id)!.latencyUs
  await eventually('it has learnt what requests take', () => latencyOf('a') > 0, 20_000)
  for (let kills = 0; kills < 3; kills++) {
    const { restarts } = drill.status('load-balancer')
    await box.control!.kill('load-balancer')
    assert.ok(latencyOf('a') > 0, 'the tables are as it left them')
    await eventually('it is back', () => runs() && drill.status('load-balancer').restarts > restarts, 20_000)
  }
  const { picks, failedPicks, requests, failedRequests } = await drill.end()
  t.diagnostic(`3 kills, ${picks} picks and ${requests} requests meanwhile`)
  assert.ok(picks > 100)
  assert.equal(failedPicks, 0)
  assert.deepEqual(failedRequests, [])
})
