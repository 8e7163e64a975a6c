import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inflight, type Rig, startRig } from '../proxy/rig.ts'
import { eventually } from '../support/eventually.ts'

/** A GiB each way. The origin and the downstream are in a process of their own, so that what grows here is the proxy. */

const MIB = 1024
const GROWTH_MIB_MAX = 150
const PEER = fileURLToPath(new URL('./large-body-peer.js', import.meta.url))

const rssMib = (): number => process.memoryUsage.rss() / 2 ** 20

/** What the other process tells of itself. */
interface Told {
  port?: number
  sentMib?: number
  receivedMib?: number
  digest?: string
}

describe('a body of 1 GiB', () => {
  let peer: ChildProcess
  let rig: Rig
  let wanted: string

  before(async () => {
    peer = fork(PEER, { stdio: 'inherit' })
    const [{ port }] = (await once(peer, 'message')) as [Told]
    rig = await startRig([`http://127.0.0.1:${port}`])
    const hash = createHash('sha1')
    const piece = Buffer.alloc(1 << 20, 'signalbox')
    for (let i = 0; i < MIB; i++) hash.update(piece)
    wanted = hash.digest('hex')
  })
  after(async () => {
    await rig.close()
    peer.kill()
  })

  for (const way of ['up', 'down'] as const) {
    it(`passes ${way} whole, in bounded memory`, async t => {
      // The first few MiB bring buffers and heap to their working size.
      await ask({ way, port: rig.port, mib: 16 })
      const before = rssMib()
      let peak = before
      const watch = setInterval(() => {
        peak = Math.max(peak, rssMib())
      }, 20)
      const began = performance.now()
      const { digest } = await ask({ way, port: rig.port, mib: MIB })
      clearInterval(watch)
      t.diagnostic(`${(performance.now() - began).toFixed(0)} ms, grew by ${(peak - before).toFixed(0)} MiB`)
      assert.equal(digest, wanted)
      assert.ok(peak - before < GROWTH_MIB_MAX, `grew by ${(peak - before).toFixed(0)} MiB`)
      await eventually('nothing is in flight', () => inflight(rig.box) === 0)
    })
  }

  it('is not read on from the origin while the downstream does not read', async () => {
    const socket = net.connect({ host: '127.0.0.1', port: rig.port })
    socket.pause()
    socket.on('error', () => {})
    socket.write(`GET /${MIB} HTTP/1.1\r\nHost: a\r\n\r\n`)
    let last = -1
    let stillFor = 0
    const told = await eventually('the origin is held up', async () => {
      const { sentMib = 0 } = await ask({ way: 'sent', port: 0, mib: 0 })
      stillFor = sentMib > 0 && sentMib === last ? stillFor + 1 : 0
      last = sentMib
      return stillFor > 20 ? { sentMib } : undefined
    })
    // The buffers of four sockets grow to several MiB each on loopback.
    assert.ok(told!.sentMib < 64, `${told!.sentMib} MiB were sent`)
    socket.resume()
    await eventually(
      'it goes on',
      async () => (await ask({ way: 'sent', port: 0, mib: 0 })).sentMib! > told!.sentMib + 64,
    )
    socket.destroy()
    await eventually('nothing is in flight', () => inflight(rig.box) === 0)
  })

  async function ask(question: { way: 'up' | 'down' | 'sent'; port: number; mib: number }): Promise<Told> {
    peer.send(question)
    const [told] = (await once(peer, 'message')) as [Told]
    return told
  }
})
