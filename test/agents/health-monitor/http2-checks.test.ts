import assert from 'node:assert/strict'
import { test } from 'node:test'
import { begin } from '../../../agents/health-monitor/attempt.ts'
import { edgeOf, raw } from './servers.ts'

const ASKED = { upstream: { isHttp2: true }, path: '/up', timeoutMs: 2_000 }

test('a check over HTTP/2 that is taken back before its connection stands closes that, and tells nothing more', async t => {
  let onClosed = (): void => {}
  const closed = new Promise<void>(resolve => {
    onClosed = resolve
  })
  const url = await raw(t, socket => {
    socket.on('close', onClosed)
    socket.resume()
  })
  const told: string[] = []
  const takeBack = begin(
    { ...ASKED, url, signal: edgeOf().signal },
    (_, reason) => told.push(reason),
    () => {},
  )
  takeBack(true)
  await closed
  assert.deepEqual(told, ['no answer'])
})
