import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { checkEndpoint } from '../../../agents/health-monitor/actions.ts'
import { begin } from '../../../agents/health-monitor/attempt.ts'
import { answerOf, lookAtApplication } from '../../../agents/health-monitor/examine/answer.ts'
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

/** An endpoint that speaks HTTP/2 and answers with this body, in two pieces; cut off after the first where it is not `isWhole`. */
async function answering(t: Pick<TestContext, 'after'>, body: string, isWhole = true): Promise<string> {
  const server = createServer()
  server.on('stream', stream => {
    stream.on('error', () => {})
    stream.respond({ ':status': 200, 'content-type': 'application/json' })
    stream.write(body.slice(0, 8))
    setImmediate(() => (isWhole ? stream.end(body.slice(8)) : stream.session?.destroy()))
  })
  server.listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const check = async (url: string, body: string) => {
  const params = { ...ASKED, url, row: 0, generation: 1, round: 0, expect: { body } }
  const { verdict, reason } = await checkEndpoint.run(params, { ...edgeOf(), attachment: undefined as never })
  return [verdict, reason]
}

test('a check over HTTP/2 that waits for a body passes by what is in it', async t => {
  const url = await answering(t, '{"status":"ok"}')
  assert.deepEqual(await check(url, '"ok"'), ['passed', '200'])
  assert.deepEqual(await check(url, 'ready'), ['failed', 'its body does not have "ready" in it'])
})

test('a check over HTTP/2 whose body breaks off has not seen what must be in it', async t => {
  const url = await answering(t, '{"status":"ok"}', false)
  assert.deepEqual(await check(url, '{'), ['failed', 'its body does not have "{" in it'])
})

test('a closer look over HTTP/2 reads what the application says of itself', async t => {
  const look = async (body: string) =>
    lookAtApplication(answerOf({ ...ASKED, url: await answering(t, body) }, edgeOf().signal))
  assert.equal((await look('{"status":"ok"}')).verdict, 'passed')
  assert.equal((await look('{"status":"down"}')).reason, 'it says itself that it has failed')
})
