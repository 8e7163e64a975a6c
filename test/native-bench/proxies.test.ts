import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { request as askPlain, createServer } from 'node:http'
import { request as askTls } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { canConnect, type Program } from '../../native-bench/load/programs.ts'
import { sideOn } from '../../native-bench/proxy/side-on-stage.ts'
import { PROXIES, type ProxySide } from '../../native-bench/proxy/sides.ts'
import { type Origins, Stage } from '../../native-bench/proxy/stage.ts'
import { BALANCERS } from '../../native-bench/uneven/group.ts'

/** Where answers come late and are large. */
const SLOW = '/slow'
const SLOW_MS = 400
/** By then a proxy has read what was asked, and some of it waits for a connection to the origin. */
const LEAVE_MS = 250
const PATIENCE_MS = 10_000

/** Origins that answer with what they were asked, and who they are. */
async function echoes(count: number): Promise<Origins> {
  const servers = Array.from({ length: count }, (_, place) =>
    createServer((request, response) => {
      const hash = createHash('sha256')
      request.on('data', piece => hash.update(piece))
      request.on('end', () => {
        const { method, url } = request
        if (url === SLOW) return void setTimeout(() => response.end('x'.repeat(100_000)), SLOW_MS)
        const answer = JSON.stringify({ method, url, body: hash.digest('hex'), marker: request.headers['x-marker'] })
        response.setHeader('x-origin', place).setHeader('content-type', 'application/json').end(answer)
      })
    }),
  )
  await Promise.all(servers.map(server => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))))
  return {
    ports: servers.map(server => (server.address() as AddressInfo).port),
    async end() {
      for (const server of servers) {
        server.close()
        server.closeAllConnections()
      }
    },
  }
}

interface Answer {
  readonly status: number | undefined
  readonly origin: string
  readonly text: string
}

function ask(port: number, isTls: boolean, method: string, path: string, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      method,
      path,
      agent: false as const,
      rejectUnauthorized: false,
      timeout: PATIENCE_MS,
    }
    const headers = { 'x-marker': 'kept', ...(body.length > 0 && { 'content-length': body.length }) }
    const asked = (isTls ? askTls : askPlain)({ ...options, headers }, answer => {
      let text = ''
      answer.on('data', piece => (text += piece))
      answer.on('end', () => {
        resolve({ status: answer.statusCode, origin: String(answer.headers['x-origin']), text })
      })
    })
    asked.once('timeout', () => asked.destroy(new Error('there is no answer')))
    asked.once('error', reject)
    asked.end(body)
  })
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The same side, and the folder it was given. */
function watched(side: ProxySide): { side: ProxySide; folder: () => string } {
  let folder = ''
  const start: ProxySide['start'] = stand => {
    folder = stand.folder
    return side.start(stand)
  }
  return { side: { ...side, start }, folder: () => folder }
}

/** Starts a side, has it do something, and sees that nothing of it is left. Says whether it is on this machine. */
async function onStage(side: ProxySide, stage: Stage, during: (program: Program) => Promise<void>): Promise<boolean> {
  const { side: own, folder } = watched(side)
  const program = await stage.start(own)
  assert.equal(existsSync(folder()), program !== undefined)
  if (program === undefined) return false
  try {
    await during(program)
  } finally {
    await program.end()
  }
  assert.equal(isAlive(program.pid), false)
  assert.equal(await canConnect(program.port), false)
  assert.equal(existsSync(folder()), false)
  return true
}

for (const isTls of [false, true]) {
  for (const side of PROXIES) {
    test(`${side.name}${isTls ? ' with TLS' : ''} forwards method, path and body, and is gone when it has ended`, async t => {
      const isThere = await onStage(side, new Stage(() => echoes(1), isTls), async ({ port }) => {
        const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251))
        const cases = [
          ['GET', '/a/b?c=d&e=%2F', Buffer.alloc(0)],
          ['POST', '/post', body.subarray(0, 4096)],
          ['PUT', '/large', body],
          ['DELETE', '/gone', Buffer.alloc(0)],
        ] as const
        for (const [method, path, sent] of cases) {
          const { status, text } = await ask(port, isTls, method, path, sent)
          assert.equal(status, 200, text)
          const hash = createHash('sha256').update(sent).digest('hex')
          assert.deepEqual(JSON.parse(text), { method, url: path, body: hash, marker: 'kept' })
        }
      })
      if (!isThere) t.skip('it is not on this machine')
    })
  }
}

for (const side of PROXIES) {
  test(`${side.name} answers the next ones when many have gone away in the midst of it, as at the end of a turn`, async t => {
    const isThere = await onStage(side, new Stage(() => echoes(1)), async ({ port }) => {
      for (let turn = 0; turn < 2; turn++) {
        const leaving = Array.from({ length: 200 }, () => connect({ host: '127.0.0.1', port }))
        for (const socket of leaving) socket.on('error', () => {}).write(`GET ${SLOW} HTTP/1.1\r\nHost: a\r\n\r\n`)
        await new Promise(resolve => setTimeout(resolve, LEAVE_MS))
        for (const socket of leaving) socket.destroy()
      }
      const asked = Array.from({ length: 100 }, () => ask(port, false, 'GET', '/', Buffer.alloc(0)))
      for (const { status } of await Promise.all(asked)) assert.equal(status, 200)
    })
    if (!isThere) t.skip('it is not on this machine')
  })
}

// Ours pick as they do everywhere, and that is tested where they are.
for (const side of BALANCERS.filter(({ name }) => !/^signalbox (adaptive|peak-ewma)/.test(name))) {
  test(`${side.name} spreads requests over its origins`, async t => {
    const isThere = await onStage(side, new Stage(() => echoes(2)), async ({ port }) => {
      // Several at once, for some send all to one as long as that has nothing to do.
      const asked = Array.from({ length: 40 }, () => ask(port, false, 'GET', '/', Buffer.alloc(0)))
      const origins = new Set((await Promise.all(asked)).map(({ origin }) => origin))
      assert.deepEqual([...origins].sort(), ['0', '1'])
    })
    if (!isThere) t.skip('it is not on this machine')
  })
}

test('a proxy is stopped while others have their turn, and all is gone when the last has ended, also after a failure', async () => {
  const [ours] = PROXIES as [ProxySide]
  const undici = PROXIES.find(({ name }) => name === 'node:http + undici')!
  let ended = 0
  const stage = new Stage(async () => {
    const origins = await echoes(1)
    return { ...origins, end: () => origins.end().then(() => void ended++) }
  })
  const { side, folder } = watched(ours)
  let program: Program | undefined
  const first = await sideOn(stage, side, async each => {
    program = each
    const { status } = await ask(each.port, false, 'GET', '/', Buffer.alloc(0))
    return [status!]
  }).begin()
  const broken = sideOn(
    stage,
    undici,
    async () => [],
    async () => assert.fail('it is not as it should be'),
  )
  await assert.rejects(broken.begin(), /it is not as it should be/)
  assert.deepEqual(await first!.turn(), [200])
  // It answers nobody now, though the kernel still takes connections for it.
  const silent = await Promise.race([
    ask(program!.port, false, 'GET', '/', Buffer.alloc(0)).catch(() => 'closed'),
    new Promise(resolve => setTimeout(() => resolve('silent'), 200)),
  ])
  assert.equal(silent, 'silent')
  assert.equal(ended, 0)
  await first!.close()
  assert.equal(ended, 1)
  assert.equal(isAlive(program!.pid), false)
  assert.notEqual(folder(), '')
  assert.equal(existsSync(folder()), false)
})

test('a proxy that cannot start says why, and nothing is left', async () => {
  const { side, folder } = watched(PROXIES[0]!)
  let ended = 0
  // It refuses an endpoint without a port that is one.
  const stage = new Stage(async () => ({ ports: [99_999], end: async () => void ended++ }))
  await assert.rejects(stage.start(side), /Cannot start .*: it has ended: .*url/s)
  assert.equal(ended, 1)
  assert.notEqual(folder(), '')
  assert.equal(existsSync(folder()), false)
  assert.equal(await new Stage(async () => undefined).start(side), undefined)
})
