import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Box } from '../../engine/index.ts'
import { becomeDrainer, drainOutcomes } from '../../engine/memory/outcome-ring.ts'
import { OUTCOMES, type Outcome } from '../../engine/memory/outcomes.ts'
import { eventually } from '../support/eventually.ts'
import { deadUrl, startOrigin, startRawOrigin, startRig } from './rig.ts'

/** What the proxy's thread tells those who drain, in the finest word it knows: where the totals know only errors. */
async function outcomesOf(url: string, paths: readonly string[], service: object = {}): Promise<Outcome[]> {
  const rig = await startRig([url], { service: { retry: { attempts: 0 }, ...service } })
  const { region, seat } = (rig.box as Box).attachment
  becomeDrainer(region, seat)
  const told: Outcome[] = []
  for (const path of paths) {
    await fetch(`${rig.url}${path}`).then(
      answer => answer.text().catch(() => ''),
      () => '',
    )
    await eventually(`${path} is settled`, () => {
      drainOutcomes(region, (_, code) => void told.push(OUTCOMES[code]!), 64)
      return told.length === paths.indexOf(path) + 1
    })
  }
  await rig.close()
  return told
}

describe('the proxy settles with the finest word', () => {
  it('an answer by its status', async () => {
    const origin = await startOrigin(({ url }, response) => void response.writeHead(Number(url?.slice(1))).end())
    const told = await outcomesOf(origin.url, ['/200', '/404', '/500', '/502', '/503', '/504'])
    assert.deepEqual(told, ['ok', 'ok', 'error', 'gateway', 'gateway', 'gateway'])
    await origin.close()
  })

  it('an endpoint nobody listens at as unreachable', async () => {
    assert.deepEqual(await outcomesOf(await deadUrl(), ['/']), ['unreachable'])
  })

  it('one that breaks off before it answers as unreachable, within its answer as error', async () => {
    const silent = await startRawOrigin(socket => socket.destroy())
    assert.deepEqual(await outcomesOf(silent.url, ['/']), ['unreachable'])
    await silent.close()
    const half = await startRawOrigin(socket => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'))
    assert.deepEqual(await outcomesOf(half.url, ['/']), ['error'])
    await half.close()
  })

  it('one that answers something else than HTTP as error', async () => {
    const origin = await startRawOrigin('what?\r\n\r\n')
    assert.deepEqual(await outcomesOf(origin.url, ['/']), ['error'])
    await origin.close()
  })

  it('one that does not answer as timeout', async () => {
    const origin = await startOrigin(() => {})
    assert.deepEqual(await outcomesOf(origin.url, ['/'], { timeouts: { firstByte: '50ms' } }), ['timeout'])
    await origin.close()
  })
})
