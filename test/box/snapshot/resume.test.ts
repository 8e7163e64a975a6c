import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { createAgents, ROSTER } from '../../../agents/index.ts'
import {
  type Box,
  CLASS_NAMES,
  type ConfigInput,
  createSignalbox,
  hashKey,
  type SignalboxOptions,
} from '../../../engine/index.ts'
import { DEGRADED, EJECTED, ISOLATED, TRIPPED, UNHEALTHY } from '../../../engine/memory/bars.ts'
import { tickClock } from '../../../engine/memory/clock.ts'
import { HEALTH_UNHEALTHY } from '../../../engine/memory/endpoint-table.ts'

const endpoint = (id: string, more: object = {}) => ({ id, url: `http://${id}.test`, ...more })

function configOf(endpoints: readonly object[], service: object = {}, more: object = {}): ConfigInput {
  return { services: { api: { policy: 'round-robin', endpoints, ...service } }, ...more } as unknown as ConfigInput
}

/** A control plane with the names of ours that does nothing: what is in the tables is what the snapshot left there. */
const idle = { start: async () => ({ status: () => [], close: async () => {}, kill: async () => {} }) }

/** A box on a folder of its own, which goes when all boxes on it are closed. */
async function open(t: TestContext, config: ConfigInput, options: SignalboxOptions = {}) {
  const state = mkdtempSync(join(tmpdir(), 'signalbox-state-'))
  const box = await createSignalbox(config, { state, ...options })
  const boxes = [box]
  t.after(async () => {
    for (const each of boxes) await each.close()
    rmSync(state, { recursive: true })
  })
  assert.equal(box.isResumed, false)
  /** Closes it, which keeps its tables, and opens another on the same folder, with this config. */
  const another = async (next: ConfigInput, nextOptions: SignalboxOptions = {}): Promise<Box> => {
    await box.close()
    const follower = await createSignalbox(next, { state, ...nextOptions })
    boxes.push(follower)
    return follower
  }
  return { box, another }
}

const rowOf = (box: Box, id: string): number => box.attachment.rowOfId(0, id)
const weights = (box: Box): Record<string, number> =>
  Object.fromEntries(box.explain('api').endpoints.map(({ id, weight }) => [id, weight]))
const bars = (box: Box): Record<string, string[]> =>
  Object.fromEntries(box.explain('api').endpoints.map(({ id, bars: each }) => [id, [...each]]))

describe('a box goes on from the state of the one before it', () => {
  test('with what an operator changed live', async t => {
    const config = configOf([endpoint('a'), endpoint('b'), endpoint('c'), endpoint('d')])
    const { box, another } = await open(t, config)
    const api = box.service('api')
    void api.drain('a')
    api.quarantine('b')
    api.setWeight('c', 7.5)
    api.remove('d')
    api.add(endpoint('e', { weight: 3, zone: 'z1', metadata: { version: 'v2' }, priority: 1 }))
    api.shed('sheddable')
    const next = await another(config)
    assert.equal(next.isResumed, true)
    assert.deepEqual(weights(next), { a: 1, b: 1, c: 7.5, e: 3 })
    assert.deepEqual(bars(next), { a: ['draining'], b: ['quarantined'], c: [], e: [] })
    const { zone, metadata, url } = next.attachment.endpoint(rowOf(next, 'e'))
    assert.deepEqual({ zone, metadata, url }, { zone: 'z1', metadata: { version: 'v2' }, url: 'http://e.test' })
    assert.equal(next.attachment.endpoints.priority(rowOf(next, 'e')), 1)
    assert.equal(next.attachment.services.shedFrom(0), CLASS_NAMES.indexOf('sheddable'))
    const router = next.router('api')
    for (let i = 0; i < 20; i++) assert.match(router.endpoint(router.pick()).id, /^[ce]$/)
  })

  test('and where the config says something else by now, the config wins, as in a reload', async t => {
    const { box, another } = await open(
      t,
      configOf([
        endpoint('same'),
        endpoint('weighed'),
        endpoint('moved'),
        endpoint('gone'),
        endpoint('out'),
        endpoint('back', { weight: 2 }),
      ]),
    )
    const api = box.service('api')
    for (const id of ['same', 'weighed', 'moved', 'gone']) {
      void api.drain(id)
      api.setWeight(id, 9)
    }
    api.remove('out')
    api.remove('back')
    api.add(endpoint('added'))
    api.add(endpoint('listed', { weight: 5 }))
    const next = await another(
      configOf([
        endpoint('same'),
        endpoint('weighed', { weight: 4 }),
        endpoint('moved', { url: 'http://elsewhere.test' }),
        endpoint('out'),
        endpoint('back', { weight: 3 }),
        endpoint('listed', { weight: 6 }),
        endpoint('fresh'),
      ]),
    )
    assert.deepEqual(weights(next), { same: 9, weighed: 4, moved: 1, back: 3, listed: 6, fresh: 1, added: 1 })
    const draining = Object.entries(bars(next)).flatMap(([id, each]) => (each.length > 0 ? [id] : []))
    assert.deepEqual(draining, ['same', 'weighed'])
  })

  test('the same config changes and the same live changes end as with a reload', async t => {
    const first = configOf([endpoint('a'), endpoint('b', { weight: 2 }), endpoint('c')])
    const second = configOf([endpoint('b', { weight: 3 }), endpoint('c', { zone: 'z' }), endpoint('d'), endpoint('x')])
    const { box, another } = await open(t, first)
    const reloaded = await createSignalbox(first)
    t.after(() => reloaded.close())
    for (const each of [box, reloaded]) {
      each.service('api').add(endpoint('x', { weight: 8 }))
      each.service('api').setWeight('b', 6)
      each.service('api').quarantine('b')
      each.service('api').quarantine('c')
    }
    await reloaded.reload(second)
    const next = await another(second)
    assert.deepEqual([weights(next), bars(next)], [weights(reloaded), bars(reloaded)])
  })

  test('with what agents learned, and times that are as far off as they were', async t => {
    const config = configOf([endpoint('a'), endpoint('b')], {
      healthCheck: { path: '/h' },
      breaker: {},
      adaptiveConcurrency: {},
    })
    const { box, another } = await open(t, config, { control: idle })
    const { endpoints, region } = box.attachment
    const a = rowOf(box, 'a')
    const now = tickClock(region)
    endpoints.setBar(a, EJECTED | UNHEALTHY | TRIPPED, true)
    endpoints.setHealth(a, HEALTH_UNHEALTHY)
    endpoints.setEjectedUntil(a, now + 60_000)
    endpoints.setEjections(a, 2)
    endpoints.setFactor(a, 0.5)
    endpoints.setLatencyUs(a, 4321)
    endpoints.setAdaptiveLimit(a, 17)
    const next = await another(config, { control: idle })
    const after = next.attachment.endpoints
    const again = rowOf(next, 'a')
    assert.deepEqual(bars(next), { a: ['unhealthy', 'ejected', 'tripped'], b: [] })
    assert.deepEqual(
      [
        after.health(again),
        after.ejections(again),
        after.factor(again),
        after.latencyUs(again),
        after.adaptiveLimit(again),
      ],
      [HEALTH_UNHEALTHY, 2, 0.5, 4321, 17],
    )
    const leftMs = after.ejectedUntilMs(again) - tickClock(next.attachment.region)
    assert.ok(leftMs > 0 && leftMs <= 60_000, `${leftMs} ms`)
    assert.equal(next.attachment.services.pullMax(0), after.pull(rowOf(next, 'b')))
  })

  test('but no verdict stands whose owner does not run: nobody would take it back', async t => {
    const full = configOf([endpoint('a')], { healthCheck: { path: '/h' }, breaker: {} })
    const cases: [name: string, config: ConfigInput, options: SignalboxOptions, bars: string[], factor: number][] = [
      ['all run', full, { control: idle }, ['unhealthy', 'ejected', 'tripped', 'degraded', 'isolated'], 0.5],
      ['no agents', full, {}, ['tripped'], 1],
      ['no checks, no breaker', configOf([endpoint('a')]), { control: idle }, ['ejected', 'isolated'], 0.5],
      [
        'no failure detector',
        { ...full, agents: { 'failure-detector': { enabled: false } } },
        { control: idle },
        ['unhealthy', 'tripped', 'degraded', 'isolated'],
        0.5,
      ],
      [
        'no health monitor',
        { ...full, agents: { 'health-monitor': { enabled: false } } },
        { control: idle },
        ['ejected', 'tripped'],
        0.5,
      ],
    ]
    for (const [name, config, options, expected, factor] of cases) {
      const { box, another } = await open(t, full, { control: idle })
      const a = rowOf(box, 'a')
      box.attachment.endpoints.setBar(a, EJECTED | UNHEALTHY | TRIPPED | DEGRADED | ISOLATED, true)
      box.attachment.endpoints.setFactor(a, 0.5)
      const next = await another(config, options)
      assert.deepEqual(bars(next).a, expected, name)
      assert.equal(next.attachment.endpoints.factor(rowOf(next, 'a')), factor, name)
    }
  })

  test('and the agents go on from there: whoever was ejected returns when its time is up', async t => {
    // It alone starts sooner than all of them.
    const control = createAgents({ roster: ROSTER.filter(({ name }) => name === 'failure-detector') })
    const config = configOf([endpoint('a'), endpoint('b')])
    const { box, another } = await open(t, config, { control })
    const a = rowOf(box, 'a')
    const { endpoints, region } = box.attachment
    endpoints.setEjectedUntil(a, tickClock(region) + 3000)
    endpoints.setBar(a, EJECTED, true)
    const next = await another(config, { control })
    const router = next.router('api')
    let picks = 0
    const deadline = performance.now() + 20_000
    while (bars(next).a!.length > 0) {
      const ticket = router.pick()
      if (bars(next).a!.length > 0) assert.equal(router.endpoint(ticket).id, 'b')
      router.settle(ticket, 'ok', 100)
      picks++
      await new Promise(resolve => setTimeout(resolve, 20))
      assert.ok(performance.now() < deadline, 'it never returned')
    }
    assert.ok(picks > 3, `${picks} picks while it was out`)
  })

  test('with sessions at the endpoints where they were', async t => {
    const config = configOf(
      Array.from({ length: 8 }, (_, i) => endpoint(`e${i}`)),
      { policy: { name: 'sticky', ttl: '10m', hash: { header: 'x' } } },
    )
    const { box, another } = await open(t, config)
    const keys = Array.from({ length: 100 }, (_, i) => hashKey(`session ${i}`))
    const where = (each: Box): string[] => keys.map(key => each.router('api').endpoint(each.router('api').pick(key)).id)
    const before = where(box)
    box.service('api').remove('e0')
    const next = await another(config)
    const after = where(next)
    const moved = before.filter((id, i) => after[i] !== id)
    assert.deepEqual([...new Set(moved)], before.includes('e0') ? ['e0'] : [])
    assert.ok(new Set(after).size > 4)
  })
})
