import assert from 'node:assert/strict'
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { errors } from 'undici'
import { Dialer, patienceMs } from '../../engine/upstream/dialer.ts'

describe('patienceMs()', () => {
  it('is what was told, unless that ends when the first packet of a connection is sent again', () => {
    const table: [told: number, waited: number][] = [
      [1, 1],
      [250, 250],
      [999, 999],
      [1000, 1250],
      [1249, 1250],
      [1250, 1250],
      [2000, 2000],
      [3000, 3250],
      [5000, 5000],
      [7100, 7250],
      [60_000, 60_000],
    ]
    for (const [told, waited] of table) assert.equal(patienceMs(told), waited, `${told} ms`)
  })
})

describe('Dialer', () => {
  it('gives up a connection when its time is over, not half a second later', async t => {
    // It accepts, and never answers the handshake.
    const silent = net.createServer(socket => void socket.on('error', () => {})).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    t.after(() => silent.close())
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const order: string[] = []
    const toldAfter = new Promise<void>(resolve => {
      const tell = (error: Error | null): void => {
        assert.ok(error instanceof errors.ConnectTimeoutError && error instanceof errors.UndiciError)
        order.push((error as NodeJS.ErrnoException | null)?.code ?? 'dialed')
        resolve()
      }
      new Dialer({ url, isHttp2: false, timeoutMs: 100 }).dial(tell)
    })
    // A loop that was busy past both runs what is due in its order, each with an immediate of its own.
    const due = new Promise<void>(resolve => setTimeout(() => setImmediate(() => setImmediate(resolve)), 150)).then(
      () => void order.push('50 ms later'),
    )
    await Promise.all([toldAfter, due])
    assert.deepEqual(order, ['UND_ERR_CONNECT_TIMEOUT', '50 ms later'])
  })
})
