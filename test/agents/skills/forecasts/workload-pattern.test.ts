import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Workload, workloadPattern } from '../../../../agents/skills/forecasts/workload-pattern.ts'
import { tinyWorld } from '../../../support/tiny-world.ts'

test('requests of a service are counted as the tables say, every ten seconds (SE-32)', t => {
  const world = tinyWorld({ a: {}, b: {} })
  t.after(() => world.close())
  const edge = { attachment: world.attachment } as never
  let memory = workloadPattern.start({ now: 0 } as never)
  const look = (now: number): readonly Workload[] => {
    const percept = workloadPattern.perceive(memory, workloadPattern.read(edge) as never, now)
    memory = percept.memory
    return percept.readings[0]?.data.services ?? []
  }
  world.pickId()
  assert.deepEqual(look(0), [], 'what was before the first look is of no time')
  for (let i = 0; i < 50; i++) world.pickId()
  assert.deepEqual(look(10_000), [{ service: 'api', perSecond: 5, minute: null, hourly: 0, daily: 0 }])
  for (let at = 20_000; at < 60_000; at += 10_000) look(at)
  for (let i = 0; i < 10; i++) world.pickId()
  assert.deepEqual(look(60_000), [{ service: 'api', perSecond: 1, minute: 60, hourly: 0, daily: 0 }])
})

test('a load that repeats each hour, and each day, is found to (SE-32)', () => {
  // Every hour the same quarter is busy, and every day the same hours.
  const rate = (minute: number): number => (minute % 60 < 15 ? 50 : 10) * ((minute / 60) % 24 < 12 ? 3 : 1)
  let [memory, picked] = [workloadPattern.start({ now: 0 } as never), 0]
  let last: Workload | undefined
  for (let minute = 0; minute <= 60 * 24 * 3; minute++) {
    picked = (picked + rate(minute) * 60) % 2 ** 32
    const sent = [{ service: 'api', rows: [{ row: 0, generation: 1, picked }] }]
    const percept = workloadPattern.perceive(memory, sent as never, minute * 60_000)
    memory = percept.memory
    last = percept.readings[0]?.data.services[0] ?? last
  }
  assert.ok(last!.hourly > 0.9 && last!.daily > 0.9, JSON.stringify(last))
})

test('counts that wrap, and rows that change hands, do not make a load', () => {
  let memory = workloadPattern.start({ now: 0 } as never)
  const look = (generation: number, picked: number, now: number): number | undefined => {
    const percept = workloadPattern.perceive(
      memory,
      [{ service: 'api', rows: [{ row: 0, generation, picked }] }] as never,
      now,
    )
    memory = percept.memory
    return percept.readings[0]?.data.services[0]?.perSecond
  }
  look(1, 2 ** 32 - 10, 0)
  assert.equal(look(1, 90, 10_000), 10)
  assert.equal(look(2, 5, 20_000), 0)
})
