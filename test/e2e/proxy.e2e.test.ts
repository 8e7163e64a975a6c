import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { describe, it } from 'node:test'
import { canReusePort } from '../../engine/proxy/threads/listen.ts'
import type { ThreadStatus } from '../../engine/proxy/threads/thread-keeper.ts'
import { exchangeRaw, inflight, startOrigin, startRig } from '../proxy/rig.ts'
import { eventually } from '../support/eventually.ts'
import { isAlive, startParent, threadsOf } from './proxy-running.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
const SLOW = GET.replace('/', '/slow')

const answered = (thread: ThreadStatus): number => thread.responses['2xx']

/** Requests on connections of their own, many at a time, until each thread has answered. */
async function untilBothServe(port: number, threads: () => Promise<ThreadStatus[]>): Promise<void> {
  await eventually('both threads have answered', async () => {
    await Promise.all(Array.from({ length: 32 }, () => exchangeRaw(port, GET)))
    return (await threads()).every(thread => answered(thread) > 0)
  })
}

// What threads can do by themselves depends on the Node: one or the other is promised, never neither.
if (canReusePort()) describe('threads that share a port by themselves', sharing)
else describe('threads that cannot share a port', alone)

function sharing(): void {
  it('all serve', async () => {
    const origin = await startOrigin((_, response) => response.end('ok'))
    const rig = await startRig([origin.url], { workers: 2 })
    await untilBothServe(rig.port, async () => rig.proxy.threads())
    await rig.close()
    await origin.close()
  })

  it('do not take a port that somebody listens on', async () => {
    const origin = await startOrigin((_, response) => response.end('ok'))
    const rig = await startRig([origin.url], { workers: 2 })
    await assert.rejects(startRig([origin.url], { workers: 2, listen: `127.0.0.1:${rig.port}` }), {
      code: 'SBX_LISTEN_FAILED',
    })
    await rig.close()
    await origin.close()
  })
}

function alone(): void {
  it('are one thread, and the log says why', async () => {
    const origin = await startOrigin((_, response) => response.end('ok'))
    const rig = await startRig([origin.url], { workers: 2 })
    assert.equal(rig.proxy.threads().length, 1)
    assert.match(rig.log.join('\n'), /warn proxy runs with one thread/)
    assert.equal((await fetch(rig.url)).status, 200)
    await rig.close()
    await origin.close()
  })
}

describe('startProxy()', () => {
  it('names the address it cannot listen on', async () => {
    const origin = await startOrigin(() => {})
    await assert.rejects(startRig([origin.url], { listen: `127.0.0.1:${origin.port}` }), {
      code: 'SBX_LISTEN_FAILED',
      message: new RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${origin.port}: another process listens there`),
    })
    await origin.close()
  })

  it('brings a thread back that died, and its requests in flight are given back', async () => {
    const origin = await startOrigin((request, response) => {
      if (request.url !== '/slow') response.end('ok')
    })
    const rig = await startRig([origin.url])
    const [{ threadId }] = rig.proxy.threads()
    const slow = exchangeRaw(rig.port, SLOW)
    await eventually('the request is in flight', () => inflight(rig.box) === 1)
    await rig.proxy.kill(0)
    assert.equal(await slow, '')
    assert.equal(inflight(rig.box), 0)
    await eventually('it serves again', async () => (await fetch(rig.url)).status === 200)
    const [status] = rig.proxy.threads()
    assert.equal(status.restarts, 1)
    assert.notEqual(status.threadId, threadId)
    await rig.close()
    await origin.close()
  })

  it('follows endpoints that come and go', async () => {
    const one = await startOrigin((_, response) => response.end('one'))
    const two = await startOrigin((_, response) => response.end('two'))
    const rig = await startRig([one.url])
    const get = async () => (await fetch(rig.url)).text()
    assert.equal(await get(), 'one')
    rig.box.service('api').add({ id: 'two', url: two.url })
    rig.box.service('api').remove('e0')
    assert.equal(await get(), 'two')
    await rig.close()
    await Promise.all([one.close(), two.close()])
  })
})

const KEPT = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

describe('drain()', () => {
  it('finishes what it started, and refuses what comes after', async () => {
    let finish: (() => void) | undefined
    const origin = await startOrigin((request, response) => {
      if (request.url === '/slow') finish = () => response.end('late')
      else response.end('ok')
    })
    const rig = await startRig([origin.url])
    const open = (): net.Socket => net.connect({ host: '127.0.0.1', port: rig.port })
    const [quiet, busy, fresh] = [open(), open(), open()]
    for (const socket of [quiet, busy]) {
      socket.write(KEPT)
      await once(socket, 'data')
    }
    await eventually('all are open', () => rig.proxy.threads()[0].openConnections === 3)
    const slow = exchangeRaw(rig.port, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    await eventually('the request is at its endpoint', () => finish !== undefined)

    const drained = rig.proxy.drain()
    await eventually('new connections are refused', async () => (await exchangeRaw(rig.port, GET)) === '')
    // What was accepted before gets one more answer, and is told that it is the last.
    for (const socket of [busy, fresh]) {
      socket.write(KEPT)
      assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close/)
    }
    await once(quiet.resume(), 'end')
    finish?.()
    assert.match(await slow, /^HTTP\/1\.1 200 OK\r\n[\s\S]*late/)
    await drained
    assert.equal(rig.proxy.threads()[0].state, 'stopped')
    await rig.close()
    await origin.close()
  })

  it('cuts what is still open at the deadline', async () => {
    const origin = await startOrigin(() => {})
    const rig = await startRig([origin.url])
    const slow = exchangeRaw(rig.port, GET)
    await eventually('the request is in flight', () => inflight(rig.box) === 1)
    await rig.proxy.drain(100)
    assert.equal(await slow, '')
    assert.equal(inflight(rig.box), 0)
    await rig.close()
    await origin.close()
  })
})

describe('under a parent process', () => {
  it('all threads serve on duplicates of one descriptor, and a dead thread is replaced', async () => {
    const origin = await startOrigin((_, response) => response.end('ok'))
    const running = await startParent(origin)
    try {
      await untilBothServe(running.port, () => threadsOf(running))
      process.kill(running.enginePid(), 'SIGUSR2')
      await eventually('the thread is back', async () => {
        assert.match(await exchangeRaw(running.port, GET), /^HTTP\/1\.1 200 /)
        const [thread] = await threadsOf(running)
        return thread.restarts === 1 && thread.state === 'serving'
      })
    } finally {
      running.end()
      await origin.close()
    }
  })

  it('a killed engine comes back, and who connects meanwhile waits for it', async () => {
    const origin = await startOrigin((_, response) => response.end('ok'))
    const running = await startParent(origin)
    try {
      const first = running.enginePid()
      process.kill(first, 'SIGKILL')
      await eventually('it is gone', () => !isAlive(first))
      // Nobody is there to accept, and the parent must not: each of these waits in the queue of the socket.
      const answers = await Promise.all(Array.from({ length: 8 }, () => exchangeRaw(running.port, GET)))
      for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 200 /)
      await eventually('it is another one', () => running.enginePid() !== first)
    } finally {
      running.end()
      await origin.close()
    }
  })

  it('SIGTERM drains, and the parent ends with 0', async () => {
    let finish = (): void => {}
    let isAsked = false
    const origin = await startOrigin((request, response) => {
      if (request.url !== '/slow') {
        response.end('ok')
        return
      }
      isAsked = true
      finish = () => response.end('late')
    })
    const running = await startParent(origin)
    try {
      const slow = exchangeRaw(running.port, SLOW)
      await eventually('the request is in flight', () => isAsked)
      const ended = once(running.parent, 'exit')
      running.parent.kill('SIGTERM')
      await eventually('new connections are refused', async () => (await exchangeRaw(running.port, GET)) === '')
      finish()
      assert.match(await slow, /late/)
      assert.deepEqual(await ended, [0, null])
      assert.equal(isAlive(running.enginePid()), false)
    } finally {
      running.end()
      await origin.close()
    }
  })

  it('a second SIGTERM ends all at once', async () => {
    let isAsked = false
    const origin = await startOrigin((request, response) => {
      if (request.url === '/slow') isAsked = true
      else response.end('ok')
    })
    const running = await startParent(origin)
    try {
      const slow = exchangeRaw(running.port, SLOW)
      await eventually('the request is in flight', () => isAsked)
      const ended = once(running.parent, 'exit')
      running.parent.kill('SIGTERM')
      await eventually('it drains', async () => (await exchangeRaw(running.port, GET)) === '')
      running.parent.kill('SIGTERM')
      assert.equal((await ended)[0], 137)
      assert.equal(await slow, '')
    } finally {
      running.end()
      await origin.close()
    }
  })

  it('the engine drains and ends when the parent is gone', async () => {
    const origin = await startOrigin((_, response) => response.end('ok'))
    const running = await startParent(origin)
    try {
      running.parent.kill('SIGKILL')
      await eventually('the engine has ended', () => !isAlive(running.enginePid()))
    } finally {
      running.end()
      await origin.close()
    }
  })

  it('a port in use is an error that says so', async () => {
    const origin = await startOrigin(() => {})
    const running = await startParent(origin, {}, origin.port)
    try {
      await eventually('the parent has ended', () => running.parent.exitCode === 1)
      assert.match(
        running.errors(),
        /^SBX_LISTEN_FAILED: Cannot listen on 127\.0\.0\.1:\d+: another process listens there/,
      )
    } finally {
      running.end()
      await origin.close()
    }
  })

  it('an engine that refuses its config is not started again', async () => {
    const origin = await startOrigin(() => {})
    const running = await startParent(origin, { workers: 'none' })
    try {
      await eventually('the parent has ended', () => running.parent.exitCode !== null)
      assert.equal(running.parent.exitCode, 1)
      assert.match(running.errors(), /SBX_CONFIG_INVALID/)
    } finally {
      running.end()
      await origin.close()
    }
  })
})
