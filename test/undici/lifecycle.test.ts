import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { afterEach, describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { deadOrigin, named, type Rig, reports, settled, startOrigin, startRig } from './rig.ts'

const GET = { path: '/', method: 'GET' } as const

describe('RoutedDispatcher', () => {
  let rig: Rig
  afterEach(() => rig?.close())

  test('close() finishes what it started, takes nothing new, and closes all connections', async () => {
    const asked: ServerResponse[] = []
    const origin = await startOrigin((_, response) => void asked.push(response))
    rig = await startRig([origin], { pool: { connections: 1 } })
    const { dispatcher } = rig
    let disconnects = 0
    dispatcher.on('disconnect', () => void disconnects++)
    const first = dispatcher.request(GET)
    const waiting = dispatcher.request(GET)
    await eventually('both are in flight', () => reports(rig.box)[0].inflight === 2)
    const closing = dispatcher.close()
    assert.deepEqual([dispatcher.closed, dispatcher.destroyed], [true, false])
    await assert.rejects(dispatcher.request(GET), { code: 'UND_ERR_CLOSED' })
    for (const answer of [first, waiting]) {
      await eventually('it was asked', () => asked.length > 0)
      asked.shift()?.end('done')
      assert.equal(await (await answer).body.text(), 'done')
    }
    await closing
    assert.equal(dispatcher.destroyed, true)
    assert.ok(disconnects > 0)
    assert.deepEqual(await settled(rig.box), { ok: 2 })
  })

  test('close() and destroy() take promises and callbacks, as often as they are called', async () => {
    rig = await startRig([await named('a')])
    const { dispatcher } = rig
    await (await dispatcher.request(GET)).body.dump()
    let isWithinCall = true
    const called = new Promise<void>(resolve =>
      dispatcher.close(() => {
        assert.equal(isWithinCall, false)
        resolve()
      }),
    )
    isWithinCall = false
    await called
    await Promise.all([dispatcher.close(), dispatcher.close(), dispatcher[Symbol.asyncDispose]()])
    await dispatcher.destroy()
    await dispatcher.destroy(new Error('again'))
    await new Promise<void>(resolve => dispatcher.destroy(resolve))
    await new Promise<void>(resolve => dispatcher.destroy(null, resolve))
    await new Promise<void>(resolve => dispatcher.close(resolve))
    await assert.rejects(dispatcher.request(GET), { code: 'UND_ERR_DESTROYED' })
    assert.equal(rig.box.isClosed, false)
    assert.throws(() => dispatcher.close('now' as unknown as () => void), { code: 'UND_ERR_INVALID_ARG' })
  })

  test('destroy() ends a close() that waits, queued requests and all', async () => {
    rig = await startRig([await startOrigin(() => {})], { pool: { connections: 1 } })
    const all = Promise.allSettled([1, 2, 3].map(() => rig.dispatcher.request(GET)))
    await eventually('they are in flight', () => reports(rig.box)[0].inflight === 3)
    const closing = rig.dispatcher.close()
    await rig.dispatcher.destroy()
    await closing
    assert.ok((await all).every(({ status }) => status === 'rejected'))
    assert.deepEqual(await settled(rig.box), { abandoned: 3 })
  })

  test('destroy() ends requests on endpoints that have left', async () => {
    rig = await startRig([await startOrigin(() => {}), await named('b')])
    const { box, dispatcher } = rig
    box.service('api').setWeight('e1', 0)
    const pending = assert.rejects(dispatcher.request(GET), { code: 'UND_ERR_DESTROYED' })
    box.service('api').setWeight('e1', 1)
    box.service('api').remove('e0')
    await (await dispatcher.request(GET)).body.dump()
    await dispatcher.destroy()
    await pending
  })

  test('dispatch() says false when an endpoint has all the requests it may have, and drain follows', async () => {
    rig = await startRig([await named('a')], { pool: { connections: 1 } })
    const { dispatcher } = rig
    let ended = 0
    const handler = {
      onRequestStart: () => {},
      onResponseStart: () => {},
      onResponseData: () => {},
      onResponseEnd: () => void ended++,
      onResponseError: (_: unknown, error: Error) => assert.ifError(error),
    }
    const drained = once(dispatcher, 'drain')
    assert.equal(dispatcher.dispatch(GET, handler), false)
    const [origin] = await drained
    assert.equal(origin.origin, reports(rig.box)[0].url)
    await eventually('it has ended', () => ended === 1)
    const unlimited = await startRig([await named('a')])
    assert.equal(unlimited.dispatcher.dispatch(GET, handler), true)
    await eventually('it has ended', () => ended === 2)
    await unlimited.close()
  })

  test('passes on what its pools tell, with the origin of the endpoint and itself first', async () => {
    const [dead, alive] = [await deadOrigin(), await named('a')]
    rig = await startRig([dead, alive])
    const { dispatcher } = rig
    const seen: string[] = []
    const note =
      (event: string) =>
      ({ origin }: URL, targets: readonly unknown[]): void => {
        assert.equal(targets[0], dispatcher)
        seen.push(`${event} ${origin === dead.url ? 'dead' : 'alive'}`)
      }
    dispatcher.on('connect', note('connect')).on('disconnect', note('disconnect'))
    dispatcher.on('connectionError', note('connectionError'))
    const answers = await Promise.allSettled([dispatcher.request(GET), dispatcher.request(GET)])
    for (const each of answers) if (each.status === 'fulfilled') await each.value.body.dump()
    await dispatcher.close()
    assert.deepEqual(seen.sort(), ['connect alive', 'connectionError dead', 'disconnect alive'])
  })

  test('keeps no process alive', async () => {
    const origin = await named('a')
    rig = await startRig([origin])
    const door = new URL('../../engine/undici.js', import.meta.url)
    const engine = new URL('../../engine/index.js', import.meta.url)
    const code = `
      const { createSignalbox } = await import(${JSON.stringify(engine)})
      const { RoutedDispatcher } = await import(${JSON.stringify(door)})
      const box = await createSignalbox({ services: { api: { endpoints: [{ url: ${JSON.stringify(origin.url)} }] } } })
      const dispatcher = new RoutedDispatcher(box, 'api', { pool: { keepAliveTimeout: 600_000, keepAliveMaxTimeout: 600_000 } })
      console.log(await (await fetch('http://api/', { dispatcher })).text())`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const kill = setTimeout(() => child.kill('SIGKILL'), 60_000)
    let printed = ''
    child.stdout.on('data', chunk => {
      printed += chunk
    })
    const [status] = await once(child, 'exit')
    clearTimeout(kill)
    assert.deepEqual({ status, printed }, { status: 0, printed: 'a\n' })
  })
})
