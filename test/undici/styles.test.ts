import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Dispatcher } from 'undici'
import { eventually } from '../support/eventually.ts'
import { type Rig, settled, startOrigin, startRig } from './rig.ts'

type Handler = Dispatcher.DispatchHandler
const POST = { path: '/', method: 'POST', body: 'abc' } as const

/** Both styles of handlers are called as undici calls them. */
describe('RoutedDispatcher.dispatch()', () => {
  let rig: Rig
  let calls: unknown[][]
  beforeEach(async () => {
    calls = []
    rig = await startRig([
      await startOrigin((incoming, response) => {
        incoming.resume()
        if (incoming.url === '/never') return
        response.writeEarlyHints({ link: '</a>; rel=preload' }, () => {
          response.setHeader('trailer', 'x-sum')
          response.setHeader('x-name', 'value')
          response.writeHead(200, 'Fine')
          response.write('body')
          response.addTrailers({ 'x-sum': '4' })
          response.end()
        })
      }),
    ])
  })
  afterEach(() => rig.close())

  const note =
    (name: string, shape: (...given: never[]) => unknown = () => undefined) =>
    (...given: unknown[]) => {
      const shown = shape(...(given as never[]))
      calls.push(shown === undefined ? [name] : [name, shown])
      return true
    }

  function callbacks(): Record<string, (...given: never[]) => unknown> {
    return {
      onConnect: note('onConnect', abort => typeof abort),
      onResponseStarted: note('onResponseStarted'),
      onHeaders: note('onHeaders', (status: number, raw: Buffer[], resume, text) => [
        status,
        raw.map(String).includes('value'),
        typeof resume,
        text,
      ]),
      onData: note('onData', String),
      onComplete: note('onComplete', (trailers: Buffer[]) => trailers.map(String)),
      onError: note('onError', (error: { code: string }) => error.code),
      onBodySent: note('onBodySent', String),
      onRequestSent: note('onRequestSent'),
    }
  }

  function methods(): Handler {
    return {
      onRequestStart: note('onRequestStart', (controller: Dispatcher.DispatchController) => controller.aborted),
      onResponseStart: note(
        'onResponseStart',
        (controller: Dispatcher.DispatchController, status, headers: Record<string, string>, text) => [
          Array.isArray(controller.rawHeaders),
          status,
          headers['x-name'],
          text,
        ],
      ),
      onResponseData: note('onResponseData', (_, chunk) => String(chunk)),
      onResponseEnd: note('onResponseEnd', (_, trailers: object) => ({ ...trailers })),
      onResponseError: note('onResponseError', (_, error: { code: string }) => error.code),
    } as Handler
  }

  test('calls a handler of callbacks with all undici has to tell', async () => {
    rig.dispatcher.dispatch(POST, callbacks() as Handler)
    await eventually('it is over', () => calls.at(-1)?.[0] === 'onComplete')
    assert.deepEqual(calls, [
      ['onConnect', 'function'],
      ['onBodySent', 'abc'],
      ['onRequestSent'],
      ['onResponseStarted'],
      ['onHeaders', [103, false, 'function', 'Early Hints']],
      ['onResponseStarted'],
      ['onHeaders', [200, true, 'function', 'Fine']],
      ['onData', 'body'],
      ['onComplete', ['x-sum', '4']],
    ])
    assert.deepEqual(await settled(rig.box), { ok: 1 })
  })

  test('calls a handler with a controller with all undici has to tell', async () => {
    rig.dispatcher.dispatch(POST, methods())
    await eventually('it is over', () => calls.at(-1)?.[0] === 'onResponseEnd')
    assert.deepEqual(calls, [
      ['onRequestStart', false],
      ['onResponseStart', [true, 103, undefined, 'Early Hints']],
      ['onResponseStart', [true, 200, 'value', 'Fine']],
      ['onResponseData', 'body'],
      ['onResponseEnd', { 'x-sum': '4' }],
    ])
    assert.deepEqual(await settled(rig.box), { ok: 1 })
  })

  test('a callback that returns false, and a controller that is paused, hold the body back until resumed', async () => {
    let resume: (() => void) | undefined
    rig.dispatcher.dispatch(POST, {
      ...callbacks(),
      onHeaders: (status: number, _: Buffer[], go: () => void) => {
        if (status >= 200) resume = go
        return status < 200
      },
    } as Handler)
    await eventually('the head is there', () => resume)
    assert.ok(!calls.some(([name]) => name === 'onData'))
    resume?.()
    await eventually('it is over', () => calls.at(-1)?.[0] === 'onComplete')

    let held: Dispatcher.DispatchController | undefined
    rig.dispatcher.dispatch(POST, {
      ...methods(),
      onResponseStart: (controller, status) => {
        if (status < 200) return
        controller.pause()
        held = controller
      },
    })
    await eventually('the head is there', () => held)
    assert.ok(!calls.some(([name]) => name === 'onResponseData'))
    held?.resume()
    await eventually('it is over', () => calls.at(-1)?.[0] === 'onResponseEnd')
    assert.deepEqual(await settled(rig.box), { ok: 2 })
  })

  test('either style can abort: before the head, as abandoned', async () => {
    const fault = Object.assign(new Error('enough'), { code: 'MINE' })
    const options = { ...POST, path: '/never' }
    let abort: ((reason: Error) => void) | undefined
    rig.dispatcher.dispatch(options, {
      ...callbacks(),
      onConnect: (end: (reason?: Error) => void) => {
        abort = end
      },
    } as Handler)
    await eventually('it is connected', () => abort)
    abort?.(fault)
    assert.deepEqual(calls.at(-1), ['onError', 'MINE'])

    let held: Dispatcher.DispatchController | undefined
    rig.dispatcher.dispatch(options, {
      ...methods(),
      onRequestStart: controller => {
        held = controller
      },
    })
    await eventually('it is connected', () => held)
    held?.abort(fault)
    assert.deepEqual(calls.at(-1), ['onResponseError', 'MINE'])
    assert.deepEqual(await settled(rig.box), { abandoned: 2 })
  })

  test('tells either style that there is no endpoint, within the call, and may be asked again at once', () => {
    rig.box.service('api').quarantine('e0')
    assert.equal(rig.dispatcher.dispatch(POST, callbacks() as Handler), true)
    assert.equal(rig.dispatcher.dispatch(POST, methods()), true)
    assert.deepEqual(calls, [
      ['onError', 'SBX_NO_ENDPOINT'],
      ['onResponseError', 'SBX_NO_ENDPOINT'],
    ])
  })

  test('refuses handlers and options undici would refuse, and picks nothing for them', async () => {
    const { dispatcher } = rig
    const refused = { code: 'UND_ERR_INVALID_ARG' }
    for (const bad of [undefined, null, 'handler', {}, { onConnect: () => {} }]) {
      assert.throws(() => dispatcher.dispatch(POST, bad as Handler), refused)
    }
    assert.equal(dispatcher.dispatch(null as unknown as Dispatcher.DispatchOptions, methods()), false)
    const { onData: _, ...lacking } = callbacks()
    assert.equal(dispatcher.dispatch(POST, lacking as Handler), false)
    assert.equal(dispatcher.dispatch({ ...POST, upgrade: 'x' }, lacking as Handler), false)
    assert.deepEqual(calls, [
      ['onResponseError', 'UND_ERR_INVALID_ARG'],
      ['onError', 'UND_ERR_INVALID_ARG'],
      ['onError', 'UND_ERR_INVALID_ARG'],
    ])
    assert.deepEqual(await settled(rig.box), {})
  })
})
