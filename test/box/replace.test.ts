import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Box, CLASS, createSignalbox, PICK } from '../../engine/index.ts'

const endpoint = (id: string, more: object = {}) => ({ id, url: `http://${id}.test`, ...more })

async function boxOf(...ids: string[]): Promise<Box> {
  return createSignalbox({ services: { api: { policy: 'round-robin', endpoints: ids.map(id => endpoint(id)) } } })
}

const idsOf = (box: Box): string[] =>
  box
    .service('api')
    .endpoints()
    .map(({ id }) => id)

describe('replace()', () => {
  test('makes the given endpoints those of the service, and keeps what stays as it is', async () => {
    const box = await boxOf('a', 'b', 'c')
    const router = box.router('api')
    const held = router.pick()
    const { id } = router.endpoint(held)
    box.service('api').quarantine('b')
    box.service('api').replace([endpoint('d'), endpoint('b'), endpoint('a', { weight: 3 })])
    assert.deepEqual(idsOf(box).sort(), ['a', 'b', 'd'])
    const report = Object.fromEntries(box.explain('api').endpoints.map(each => [each.id, each]))
    assert.deepEqual([report.a.weight, report.b.weight, report.d.weight], [3, 1, 1])
    assert.deepEqual(report.b.bars, ['quarantined'], 'b is the same endpoint as before')
    assert.equal(report[id].inflight, 1, 'what was in flight still is')
    router.settle(held, 'ok', 1)
    await box.close()
  })

  test('one that is elsewhere or otherwise now is another endpoint, without the past of the old one', async () => {
    for (const changed of [{ url: 'http://x.test' }, { zone: 'z2' }, { priority: 1 }, { metadata: { v: '2' } }]) {
      const box = await boxOf('a', 'b')
      box.service('api').quarantine('a')
      box.service('api').replace([endpoint('a', changed), endpoint('b')])
      const [a] = box.explain('api').endpoints.filter(({ id }) => id === 'a')
      assert.deepEqual(a.bars, [], JSON.stringify(changed))
      await box.close()
    }
  })

  test('is one publication: a pick sees those before or these', async () => {
    const box = await boxOf('a', 'b')
    const { region } = box.attachment
    const before = box.attachment.catchUp() >>> 8
    box.service('api').replace([endpoint('c'), endpoint('d'), endpoint('e')])
    assert.equal((box.attachment.catchUp() >>> 8) - before, 1)
    assert.ok(region.words.length > 0)
    box.service('api').replace([endpoint('e'), endpoint('d'), endpoint('c')])
    assert.equal((box.attachment.catchUp() >>> 8) - before, 1, 'nothing but their order has changed')
    await box.close()
  })

  test('changes nothing when one endpoint is invalid, two share an id, or there is no room', async () => {
    const endpoints = Array.from({ length: 5 }, (_, i) => endpoint(`x${i}`))
    const box = await createSignalbox({ services: { api: { endpoints: [endpoint('a')] } } }, { capacity: { rows: 4 } })
    const service = box.service('api')
    assert.throws(() => service.replace([endpoint('b'), { url: 'nonsense' }]), { code: 'SBX_ENDPOINT_INVALID' })
    assert.throws(() => service.replace([endpoint('b'), endpoint('b')]), {
      code: 'SBX_ENDPOINT_EXISTS',
      message: 'Cannot replace the endpoints of api: two of them are called b, give each an id of its own',
    })
    assert.throws(() => service.replace(endpoints), { code: 'SBX_REGION_FULL' })
    assert.deepEqual(idsOf(box), ['a'])
    assert.ok(box.router('api').pick() >= 0)
    await box.close()
  })

  test('takes all out when none is given', async () => {
    const box = await boxOf('a', 'b')
    box.service('api').replace([])
    assert.equal(box.router('api').pick(), PICK.NO_ENDPOINT)
    await box.close()
  })
})

describe('shed()', () => {
  test('turns a class and the cheaper ones away, and says which in the report', async () => {
    const box = await boxOf('a')
    const picks = (): boolean[] =>
      [CLASS.CRITICAL_PLUS, CLASS.CRITICAL, CLASS.SHEDDABLE_PLUS, CLASS.SHEDDABLE].map(
        each => box.router('api').pick(0, undefined, each) >= 0,
      )
    box.service('api').shed('sheddable')
    assert.deepEqual(picks(), [true, true, true, false])
    assert.equal(box.explain('api').shedFrom, 'sheddable')
    box.service('api').shed('critical')
    assert.deepEqual(picks(), [true, false, false, false])
    box.service('api').shed(null)
    assert.deepEqual(picks(), [true, true, true, true])
    assert.equal(box.explain('api').shedFrom, null)
    await box.close()
  })

  test('refuses what cannot be shed', async () => {
    const box = await boxOf('a')
    for (const word of ['critical-plus', 'bulk']) {
      assert.throws(() => box.service('api').shed(word as never), {
        message: `Cannot shed requests of api: "${word}" is no class that can be shed, use one of critical, sheddable-plus, sheddable`,
      })
    }
    await box.close()
  })
})

test('setWeight() is heard at once also by a policy that draws by the largest weight', async () => {
  const box = await createSignalbox({
    services: { api: { policy: 'random', endpoints: Array.from({ length: 40 }, (_, i) => endpoint(`e${i}`)) } },
  })
  box.service('api').setWeight('e7', 1000)
  const router = box.router('api')
  let hits = 0
  for (let i = 0; i < 2000; i++) {
    const ticket = router.pick()
    if (router.endpoint(ticket).id === 'e7') hits++
    router.settle(ticket, 'ok', 1)
  }
  // 1000 of 1039: 1925 of 2000, with a deviation of √(2000 × 0.9625 × 0.0375) = 8.5.
  assert.ok(Math.abs(hits - 1925) <= 5 * 8.5, `${hits}`)
  await box.close()
})
