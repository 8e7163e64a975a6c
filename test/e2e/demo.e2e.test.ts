import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { request } from 'undici'
import { freePorts } from '../../native-bench/load/programs.ts'
import { type Running, startSignalbox } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'

/** What `npm start` shows, taken at its word. */
describe('the demo', () => {
  let running: Running
  let proxy = ''
  let admin = ''

  before(async () => {
    const [proxyPort, adminPort] = await freePorts(2)
    proxy = `http://127.0.0.1:${proxyPort}`
    admin = `http://127.0.0.1:${adminPort}`
    running = startSignalbox(['demo', '--listen', `127.0.0.1:${proxyPort}`, '--admin', `127.0.0.1:${adminPort}`])
    await eventually('the demo says where it is', () => running.output().includes('Ctrl-C drains'), 20_000)
  })
  after(() => running.end())

  const endpoints = async (): Promise<{ id: string; effectiveWeight: number; totals: { ok: number } }[]> => {
    const { body } = await request(`${admin}/api/v1/services`)
    const { services } = (await body.json()) as { services: { endpoints: never[] }[] }
    return services[0].endpoints
  }
  const endpoint = async (id: string) => {
    const found = (await endpoints()).find(each => each.id === id)
    assert.ok(found)
    return found
  }

  test('prints both addresses and what to try next', () => {
    for (const text of [proxy, `${admin}`, 'kill -9 ', '/api/v1/explain/demo'])
      assert.ok(running.output().includes(text), text)
  })

  test('answers through the proxy', async () => {
    const { statusCode, body } = await request(`${proxy}/hello`)
    assert.equal(statusCode, 200)
    assert.equal(((await body.json()) as { path: string }).path, '/hello')
  })

  test('sends its load to all four uneven endpoints', async () => {
    await eventually('each endpoint has answered', async () => (await endpoints()).every(({ totals }) => totals.ok > 0))
  })

  test('shows its page', async () => {
    const { statusCode, headers, body } = await request(`${admin}/`)
    assert.equal(statusCode, 200)
    assert.match(String(headers['content-type']), /text\/html/)
    await body.dump()
  })

  test('a killed endpoint weighs 0 within two seconds, returns by itself, and no request fails', async () => {
    const pid = Number(/quick .*pid (\d+)/.exec(running.output())?.[1])
    assert.ok(pid > 0)
    process.kill(pid, 'SIGKILL')
    await eventually('its weight is 0', async () => (await endpoint('quick')).effectiveWeight === 0, 2000)
    await eventually('it is back', async () => (await endpoint('quick')).effectiveWeight > 0, 20_000)
    const answered = (await endpoint('quick')).totals.ok
    await eventually('it answers again', async () => (await endpoint('quick')).totals.ok > answered)
    assert.ok(!running.output().includes('failed'), running.output())
  })

  test('SIGINT drains and exits 0, and not one request of the load failed', async () => {
    running.child.kill('SIGINT')
    const { code } = await running.exited
    assert.equal(code, 0, running.output())
    assert.match(running.output(), /load: \d+ sent, \d+ ok, 0 failed/)
  })
})
