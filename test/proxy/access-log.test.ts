import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startOrigin, startRig } from './rig.ts'

describe('the access log', () => {
  it('tells one line a request, without the query', async () => {
    let text = ''
    const origin = await startOrigin((_, response) => response.end('hello'))
    const rig = await startRig([origin.url], {
      log: { access: true },
      options: { onAccessLines: lines => (text += lines) },
    })
    await fetch(`${rig.url}/a?secret=1`)
    await fetch(`${rig.url}/"b`, { method: 'PUT', body: 'x' })
    await eventually('both lines are there', () => text.split('\n').length === 3)
    const [first, second] = text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    const { time, durationMs, ...rest } = first
    assert.ok(Math.abs(time - Date.now()) < 60_000 && durationMs > 0)
    assert.deepEqual(rest, {
      level: 30,
      msg: 'request',
      method: 'GET',
      host: `127.0.0.1:${rig.port}`,
      path: '/a',
      status: 200,
      bytes: 5,
      attempts: 1,
      remote: '127.0.0.1',
      service: 'api',
      endpoint: 'e0',
    })
    assert.equal(second.path, '/%22b')
    await rig.close()
    await origin.close()
  })
})
