import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Box, type ConfigInput, createSignalbox, hashKey, PICK, SignalboxError } from '../../engine/index.ts'
import { eventually } from '../support/eventually.ts'

const endpoint = (id: string, more: object = {}) => ({ id, url: `http://${id}.test`, ...more })

/** A config by the endpoints of its services; routes are not needed in a library. */
function configOf(services: Record<string, readonly object[]>, more: object = {}): ConfigInput {
  return {
    services: Object.fromEntries(
      Object.entries(services).map(([name, endpoints]) => [name, { policy: 'round-robin', endpoints }]),
    ),
    ...more,
  } as ConfigInput
}

const idsOf = (box: Box, service = 'api'): string[] => box.explain(service).endpoints.map(({ id }) => id)
const report = (box: Box, id: string) => box.explain('api').endpoints.find(each => each.id === id)!

async function refusal(reloading: Promise<unknown>): Promise<SignalboxError> {
  try {
    await reloading
  } catch (error) {
    assert.ok(error instanceof SignalboxError, String(error))
    return error
  }
  assert.fail('it was not refused')
}

describe('reload() of a box', () => {
  test('adds, removes, changes and reweights, in one publication, and says what it did', async () => {
    const box = await createSignalbox(
      configOf({ api: [endpoint('a'), endpoint('b'), endpoint('c')], old: [endpoint('x')] }),
    )
    const pinned = box.attachment.catchUp()
    const done = await box.reload({
      ...configOf({
        api: [endpoint('a', { weight: 3 }), endpoint('b', { zone: 'z2' }), endpoint('d')],
        young: [endpoint('y')],
      }),
      zone: 'z1',
    })
    assert.deepEqual(done, {
      generation: 2,
      isChanged: true,
      changes: {
        services: { added: ['young'], removed: ['old'], changed: [] },
        endpoints: { added: 2, removed: 2, changed: 1, reweighted: 1 },
        keys: ['zone'],
      },
    })
    assert.deepEqual(
      box.services().map(({ service }) => service),
      ['api', 'young'],
    )
    assert.deepEqual(idsOf(box).sort(), ['a', 'b', 'd'])
    assert.deepEqual([report(box, 'a').weight, report(box, 'b').zone], [3, 'z2'])
    // One for all that is there now, one for the service that left after all had let go of it.
    assert.equal((box.attachment.catchUp() >>> 8) - (pinned >>> 8), 2)
    assert.equal(box.config.zone, 'z1')
    await box.close()
  })

  test('an endpoint that stays keeps its row, what is in flight on it, and its bars', async () => {
    const box = await createSignalbox(configOf({ api: [endpoint('a')] }))
    const router = box.router('api')
    const held = router.pick()
    const before = report(box, 'a')
    box.service('api').quarantine('a')
    await box.reload(configOf({ api: [endpoint('b'), endpoint('a', { weight: 5 })] }))
    const { row, inflight, bars, weight } = report(box, 'a')
    assert.deepEqual(
      { row, inflight, bars, weight },
      { row: before.row, inflight: 1, bars: ['quarantined'], weight: 5 },
    )
    router.settle(held, 'ok', 1)
    assert.equal(report(box, 'a').inflight, 0)
    await box.close()
  })

  test('what was changed live stays until the config changes at that very point', async () => {
    const config = configOf({ api: [endpoint('a'), endpoint('b'), endpoint('c')] })
    const box = await createSignalbox(config)
    const live = box.service('api')
    live.setWeight('a', 7)
    live.remove('b')
    live.add({ id: 'z', url: 'http://z.test' })
    void live.drain('c')
    await box.reload(configOf({ api: [endpoint('a'), endpoint('b'), endpoint('c'), endpoint('d')] }))
    assert.deepEqual(idsOf(box), ['a', 'c', 'z', 'd'], 'b was removed and z added by hand')
    assert.equal(report(box, 'a').weight, 7)
    assert.deepEqual(report(box, 'c').bars, ['draining'])
    await box.reload(configOf({ api: [endpoint('a', { weight: 2 }), endpoint('b', { weight: 2 }), endpoint('d')] }))
    assert.deepEqual(idsOf(box), ['a', 'z', 'd', 'b'])
    assert.equal(report(box, 'a').weight, 2)
    await box.close()
  })

  test('policy, limits and breaker of a service are others from the next pick on', async () => {
    const box = await createSignalbox(configOf({ api: [endpoint('a'), endpoint('b')] }))
    const router = box.router('api')
    const service = { endpoints: [endpoint('a'), endpoint('b')], policy: 'rendezvous', limits: { requests: 1 } }
    await box.reload({ services: { api: service } } as ConfigInput)
    const first = router.pick(hashKey('k'))
    assert.equal(router.pick(hashKey('k')), PICK.OVERLOADED)
    router.settle(first, 'ok', 1)
    const second = router.pick(hashKey('k'))
    assert.equal(router.endpoint(second).id, router.endpoint(first > 0 ? second : first).id)
    assert.equal(box.explain('api').policy, 'rendezvous')
    router.settle(second, 'ok', 1)
    await box.close()
  })

  test('the same config again changes nothing and counts as a reload that went well', async () => {
    const config = configOf({ api: [endpoint('a')] })
    const box = await createSignalbox(config)
    const pinned = box.attachment.catchUp()
    const { isChanged, generation } = await box.reload(structuredClone(config))
    assert.deepEqual([isChanged, generation], [false, 1])
    assert.equal(box.attachment.catchUp(), pinned, 'nothing was published')
    const { reloads, isLastReloadGood } = box.configStatus()
    assert.deepEqual([reloads, isLastReloadGood], [{ applied: 0, unchanged: 1, refused: 0 }, true])
    await box.close()
  })

  test('a service that is gone picks nobody, and one of its name that comes back is routed to by the same router', async () => {
    const box = await createSignalbox(configOf({ api: [endpoint('a')], old: [endpoint('x')] }))
    const router = box.router('old')
    await box.reload(configOf({ api: [endpoint('a')] }))
    assert.equal(router.pick(), PICK.NO_ENDPOINT)
    assert.throws(() => box.router('old'), { code: 'SBX_SERVICE_UNKNOWN' })
    assert.throws(() => box.service('old'), { code: 'SBX_SERVICE_UNKNOWN' })
    await box.reload(configOf({ api: [endpoint('a')], old: [endpoint('y')] }))
    const ticket = router.pick()
    assert.equal(router.endpoint(ticket).id, 'y')
    router.settle(ticket, 'ok', 1)
    await box.close()
  })

  test('a service that is gone stays while requests of it are in flight, but not for long', async () => {
    const box = await createSignalbox(configOf({ api: [endpoint('a')], old: [endpoint('x')] }))
    const router = box.router('old')
    const held = router.pick()
    const reloading = box.reload(configOf({ api: [endpoint('a')] }))
    await eventually('the config is in force', () => box.configStatus().generation === 2)
    const retry = router.pick()
    assert.ok(retry >= 0, 'a request that began before may be tried once more')
    router.settle(retry, 'ok', 1)
    await reloading
    assert.equal(router.pick(), PICK.NO_ENDPOINT)
    router.settle(held, 'ok', 1)
    await box.close()
  })

  test('a bad config is refused whole, with every problem, and the one in force stays', async () => {
    const box = await createSignalbox(configOf({ api: [endpoint('a')] }))
    const before = [box.config, box.attachment.catchUp()]
    const bad = { services: { api: { policy: 'round-robbin', endpoints: [endpoint('b')], panicTreshold: '1%' } } }
    const { code, message } = await refusal(box.reload(bad as unknown as ConfigInput))
    assert.equal(code, 'SBX_CONFIG_INVALID')
    assert.match(message, /services\.api\.policy: .*round-robin/)
    assert.match(message, /services\.api\.panicTreshold: .*panicThreshold/)
    assert.deepEqual([box.config, box.attachment.catchUp()], before)
    assert.deepEqual(idsOf(box), ['a'])
    const { isLastReloadGood, lastError, reloads, generation } = box.configStatus()
    assert.deepEqual([isLastReloadGood, lastError, reloads.refused, generation], [false, message, 1, 1])
    await box.close()
  })

  test('of a file each problem has its line, also those that only a running process has', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-reload-'))
    const file = join(folder, 'config.yaml')
    const write = (text: string): void => writeFileSync(file, text)
    write('services:\n  api:\n    endpoints:\n      - { id: a, url: "http://a.test" }\n')
    const box = await createSignalbox(configOf({ api: [endpoint('a')] }), { capacity: { rows: 2, services: 1 } })
    const unfollow = box.follow({
      objections: (now, next) =>
        now.workers === next.workers ? [] : [{ path: ['workers'], message: 'threads stay as many' }],
      adopt: () => {},
    })
    await box.reload(file)
    assert.equal(box.explain('api').policy, 'least-request')
    write('services: { api: { endpoints: [] }\n')
    assert.match(
      (await refusal(box.reload(file))).message,
      new RegExp(`^Cannot read config ${file}: .*\n${file}:\\d+:\\d+: `),
    )
    write(
      'services:\n  api:\n    endpoints: []\n  web:\n    policy: sticky\n    endpoints: []\nworkers: 77\nagents:\n' +
        '  health-monitor: { enabled: false }\nroutes: [{ service: api }]\n',
    )
    const { code, message } = await refusal(box.reload(file))
    assert.equal(code, 'SBX_CONFIG_FIXED')
    assert.deepEqual(
      message.split('\n').map(line => line.replace(file, 'FILE')),
      [
        'Cannot reload: 4 changes cannot be made while it runs, nothing was changed',
        'FILE:2:3: services: there is room for 1 services, and these are 2; restart to get more, the shared memory is laid out once',
        'FILE:5:13: services.web.policy: it keeps sessions, and there is no room for any; restart to get more, the shared memory is laid out once',
        'FILE:7:10: workers: threads stay as many',
        'FILE:9:30: agents.health-monitor.enabled: agents begin and end with the process; restart it',
      ],
    )
    rmSync(folder, { recursive: true })
    assert.equal((await refusal(box.reload(file))).code, 'SBX_CONFIG_UNREADABLE')
    assert.equal(box.configStatus().generation, 2)
    unfollow()
    await box.close()
  })

  test('more endpoints than there are free rows are refused by the edit, and every weight is what it was', async () => {
    const box = await createSignalbox(configOf({ api: [endpoint('a'), endpoint('b')] }), { capacity: { rows: 3 } })
    // Three fit as such; but the rows of those that leave in the same edit are not free yet.
    const next = configOf({ api: [endpoint('a', { weight: 9 }), endpoint('c'), endpoint('d')] })
    assert.equal((await refusal(box.reload(next))).code, 'SBX_REGION_FULL')
    assert.deepEqual(idsOf(box), ['a', 'b'])
    assert.equal(report(box, 'a').weight, 1)
    assert.equal(box.configStatus().generation, 1)
    await box.close()
  })

  test('reloads are taken one after the other, in the order they were asked for', async () => {
    const box = await createSignalbox(configOf({ api: [endpoint('a')] }))
    const seen: string[] = []
    box.follow({
      adopt: async next => {
        const [{ id }] = next.services.api!.endpoints
        seen.push(`begin ${id}`)
        await new Promise(resolve => setImmediate(resolve))
        seen.push(`end ${id}`)
      },
    })
    await Promise.all(['b', 'c'].map(id => box.reload(configOf({ api: [endpoint(id)] }))))
    assert.deepEqual(seen, ['begin b', 'end b', 'begin c', 'end c'])
    await box.close()
    assert.equal((await refusal(box.reload(configOf({ api: [endpoint('a')] })))).code, 'SBX_BOX_CLOSED')
  })

  test('200 reloads with services and endpoints that come and go take no memory', async () => {
    const box = await createSignalbox(configOf({ api: [endpoint('a')] }), { capacity: { rows: 64, services: 4 } })
    const router = box.router('api')
    let turns = 0
    const reloads = async (count: number): Promise<number> => {
      const before = heapBytes()
      for (const end = turns + count; turns < end; turns++) {
        const more = Array.from({ length: 20 }, (_, i) => endpoint(`e${turns}-${i}`))
        const api = [endpoint('a', { weight: 1 + (turns % 3) }), ...more]
        await box.reload(configOf({ api, [`s${turns}`]: [endpoint('x')] }))
        for (const each of [router, box.router(`s${turns}`)]) each.settle(each.pick(), 'ok', 1)
      }
      return heapBytes() - before
    }
    await reloads(100)
    // What is kept grows in every round; what the machine code and its statistics take, in some of them.
    const rounds = [await reloads(200), await reloads(200), await reloads(200)]
    const grown = Math.min(...rounds)
    assert.ok(box.attachment.serviceTexts().length <= 4)
    // What is seen when each config is kept by somebody: the measure has eyes.
    const kept: unknown[] = []
    box.follow({ adopt: next => void kept.push(next) })
    const seen = await reloads(200)
    assert.equal(kept.length, 200)
    assert.ok(grown < seen / 4, `${grown} bytes more, ${seen} where configs are kept`)
    await box.close()
  })
})

function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
