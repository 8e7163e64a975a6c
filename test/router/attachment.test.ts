import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { createRegion, handleOf } from '../../engine/memory/region.ts'
import { seatsOfThread } from '../../engine/memory/seats.ts'
import { attach } from '../../engine/router/attachment.ts'
import { eventually } from '../support/eventually.ts'
import { tinyWorld } from '../support/tiny-world.ts'

const SMALL = { rows: 4, services: 1, seats: 2, textBytes: 128, outcomes: 64 }

test('attach() gives a thread one attachment per region, however often it asks', () => {
  const handle = handleOf(createRegion(SMALL))
  const first = attach(handle)
  assert.equal(attach(handle), first)
  first.close()
})

test('a handle that arrives again and again, a clone each time, is one attachment', () => {
  const handle = handleOf(createRegion(SMALL))
  const first = attach(structuredClone(handle))
  for (let task = 0; task < 10; task++) assert.equal(attach(structuredClone(handle)), first)
  first.close()
})

test('two regions are two attachments', () => {
  const [one, two] = [attach(handleOf(createRegion(SMALL))), attach(handleOf(createRegion(SMALL)))]
  assert.notEqual(one, two)
  one.close()
  assert.equal(two.isClosed, false)
  two.close()
})

test('close() frees the seat, as often as it is called, and the thread may attach again', () => {
  const region = createRegion(SMALL)
  const first = attach(handleOf(region))
  first.close()
  first.close()
  assert.deepEqual(seatsOfThread(region, 0), [])
  const second = attach(handleOf(region))
  assert.notEqual(second, first)
  first.close()
  assert.equal(second.isClosed, false)
  second.close()
})

test('an idle attachment lets go of an old structure by itself', async () => {
  const world = tinyWorld({ a: {} }, { capacity: { rows: 1 } })
  world.another()
  world.remove('a')
  // The seat of the idle one still pins the structure that lists a; within a moment its timer moves it on.
  const keepAlive = setInterval(() => {}, 50)
  await eventually('the row can be used again', () => world.add('b') >= 0)
  clearInterval(keepAlive)
  world.close()
})

test('twelve boxes in one thread print nothing', () => {
  const door = new URL('../../engine/index.js', import.meta.url).href
  const script = `
    import { createSignalbox } from ${JSON.stringify(door)}
    const services = { a: { endpoints: [{ url: 'http://127.0.0.1:1' }] } }
    const boxes = []
    for (let i = 0; i < 12; i++) boxes.push(await createSignalbox({ services }))
    await new Promise(resolve => setImmediate(resolve))
    for (const box of boxes) await box.close()`
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  assert.deepEqual({ stdout, stderr, status }, { stdout: '', stderr: '', status: 0 })
})

test('rowOfId() finds endpoints as they come and go, and never one that is gone', () => {
  const world = tinyWorld({ a: {}, b: {} })
  const { attachment, service } = world
  const of = (id: string): number => attachment.rowOfId(service, id)
  assert.equal(of('a'), world.row('a'))
  assert.equal(of('c'), -1)
  const c = world.add('c')
  assert.equal(of('c'), c)
  world.remove('a')
  assert.equal(of('a'), -1)
  world.catchUp()
  const d = world.add('d')
  assert.equal(of('d'), d)
  assert.equal(of('a'), -1, 'also when its row has another tenant')
  const again = world.add('a')
  assert.equal(of('a'), again)
  for (let i = 0; i < 100; i++) {
    const row = world.add(`x${i}`)
    assert.equal(of(`x${i}`), row)
    world.remove(`x${i}`)
    assert.equal(of(`x${i}`), -1)
    world.catchUp()
  }
  world.close()
})
