import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { Agent, request } from 'undici'
import { freePorts } from '../../native-bench/load/programs.ts'
import { startOrigin } from '../proxy/rig.ts'
import { type Running, startSignalbox } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { isAlive } from './proxy-running.ts'

/** SIGNALBOX_PROOF=full kills ten times, each time an engine that has recovered, and holds the median to one second. */
const IS_FULL = process.env.SIGNALBOX_PROOF === 'full'
const KILLS = IS_FULL ? 10 : 2
const RECOVERED_MS = 5500

const NAMES = ['good', 'heavy', 'sick', 'failing', 'drained', 'quarantined'] as const
type Name = (typeof NAMES)[number]

/** What tests load into the engine besides: a thread that lets one array grow until V8 ends the process. */
const ABORT = `
  require('node:diagnostics_channel').subscribe('signalbox:request:start', ({ request }) => {
    if (request.url !== '/abort') return
    const [list, chunk] = [[], new Array(60_000).fill(0)]
    for (;;) list.push(...chunk)
  })`

/** The same: while a file is there, whoever reads a snapshot dies of it. */
const POISON = (file: string): string => `
  const fs = require('node:fs')
  const { readFile } = fs.promises
  fs.promises.readFile = (name, ...rest) => {
    if (String(name).includes('tables.snapshot') && fs.existsSync(${JSON.stringify(file)})) process.kill(process.pid, 'SIGKILL')
    return readFile(name, ...rest)
  }
  require('node:module').syncBuiltinESMExports()`

describe('signalbox proxy --supervised', () => {
  let ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.reverse()) await end()
    ends = []
  })

  /** Origins that count what they are asked, and a proxy of one worker before them that keeps its temporary files in a folder of its own. */
  async function start(preload: (folder: string) => string = () => '', more: readonly string[] = []) {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-supervised-'))
    ends.push(() => rmSync(folder, { recursive: true, force: true }))
    const asked = Object.fromEntries(NAMES.map(name => [name, 0])) as Record<Name, number>
    const urls = {} as Record<Name, string>
    for (const name of NAMES) {
      const origin = await startOrigin(({ url }, response) => {
        if (url !== '/healthz') asked[name]++
        const fails = name === 'failing' && url !== '/healthz'
        response.statusCode = fails || (name === 'sick' && url === '/healthz') ? 500 : 200
        response.end(name)
      })
      ends.push(() => origin.close())
      urls[name] = origin.url
    }
    const [port, adminPort] = await freePorts(2)
    const file = join(folder, 'signalbox.yaml')
    writeFileSync(
      file,
      `listen: 127.0.0.1:${port}
workers: 1
admin: { listen: "127.0.0.1:${adminPort}" }
log: { level: info, access: false }
services:
  web:
    policy: weighted-round-robin
    panicThreshold: 0
    healthCheck: { path: /healthz, interval: 1s, timeout: 10s }
    outlier: { baseEjection: 5m, maxEjected: 100% }
    retry: { attempts: 1 }
    endpoints: [${NAMES.map(name => `{ id: ${name}, url: "${urls[name]}" }`).join(', ')}]
`,
    )
    writeFileSync(join(folder, 'preload.cjs'), preload(folder))
    const running = startSignalbox(['proxy', '--config', file, '--supervised', ...more], {
      TMPDIR: folder,
      // So that an array need not become a gigabyte before V8 ends the process.
      NODE_OPTIONS: `--max-old-space-size=100 --require ${join(folder, 'preload.cjs')}`,
    })
    ends.push(async () => {
      const engine = pidOf(running)
      await running.end()
      // An engine whose parent was killed drains; a test does not wait for that.
      if (engine !== undefined && isAlive(engine)) process.kill(engine, 'SIGKILL')
    })
    const proxy = {
      running,
      folder,
      file,
      asked,
      url: `http://127.0.0.1:${port}`,
      admin: `http://127.0.0.1:${adminPort}`,
    }
    const isReady = async (): Promise<boolean> => (await statusOf(`${proxy.admin}/readyz`)) === 200
    await eventually(
      'it is ready or has ended',
      async () => (await isReady()) || running.child.exitCode !== null,
      60_000,
    )
    assert.equal(running.child.exitCode, null, running.output())
    return proxy
  }

  type Proxy = Awaited<ReturnType<typeof start>>

  it('an engine that is killed or aborts comes back with bars and weights as they were, from the first request on', async t => {
    const proxy = await start(() => ABORT)
    const { running, asked, url } = proxy
    await change(proxy, 'POST', 'drained/drain')
    await change(proxy, 'POST', 'quarantined/quarantine')
    await change(proxy, 'PUT', 'heavy/weight', { weight: 3 })
    const clients = load(url)
    ends.push(() => clients.end())
    await eventually(
      'checks and failures have acted',
      async () => {
        const { sick, failing } = await barsOf(proxy)
        return sick?.includes('unhealthy') && failing?.includes('ejected')
      },
      30_000,
    )
    await untilKept(proxy)
    const before = await standing(proxy)
    const times: number[] = []
    for (let kill = 0; kill < KILLS; kill++) {
      if (IS_FULL) await new Promise(resolve => setTimeout(resolve, RECOVERED_MS))
      const engine = pidOf(running)!
      const out = { ...asked }
      // Every other one dies of a request.
      if (kill % 2 === 0) process.kill(engine, 'SIGKILL')
      else void ask(`${url}/abort`).catch(() => {})
      await eventually('it is dead', () => !isAlive(engine), 60_000)
      const diedAt = performance.now()
      // One request on a connection of its own, made while nobody is there to accept it.
      const first = ask(url)
      assert.equal(await first, 200)
      times.push(performance.now() - diedAt)
      await eventually('another engine routes', () => pidOf(running) !== engine, 60_000)
      assert.deepEqual(await standing(proxy), before)
      const answered = clients.answered()
      await eventually('the load goes on', () => clients.answered() > answered + 50, 60_000)
      for (const name of ['sick', 'failing', 'drained', 'quarantined'] as const)
        assert.equal(asked[name], out[name], name)
      // Three times as many by its weight; what is in flight counts as well, the more the busier this machine is.
      assert.ok(
        asked.heavy - out.heavy > asked.good - out.good,
        `${asked.heavy - out.heavy} to ${asked.good - out.good}`,
      )
    }
    const sorted = times.toSorted((a, b) => a - b).map(Math.round)
    const median = sorted[Math.floor(sorted.length / 2)]!
    t.diagnostic(
      `first answer after a death: median ${median} ms, at most ${sorted.at(-1)} ms, of ${KILLS}: ${sorted.join(', ')}`,
    )
    if (IS_FULL) assert.ok(median < 1000, `${median} ms`)
    const { text } = await get(`${proxy.admin}/metrics`)
    assert.match(text, /^signalbox_snapshot_resumed 1$/m)
    assert.match(text, /^signalbox_snapshot_failures_total 0$/m)
    assert.match(text, /^signalbox_snapshot_age_seconds \d/m)
    // Nothing it made stays, nor the engine that stands by.
    const family = await familyOf(running)
    const stateFolders = (): string[] => readdirSync(proxy.folder).filter(name => name.startsWith('signalbox-state-'))
    assert.equal(stateFolders().length, 1)
    await clients.end()
    running.child.kill('SIGTERM')
    assert.equal((await running.exited).code, 0, running.output())
    assert.deepEqual(stateFolders(), [])
    await eventually('nobody listens', async () => (await statusOf(url)) === 0)
    await eventually('nobody is left', () => family.every(pid => !isAlive(pid)))
  })

  it('engines that die of a snapshot are followed by one that begins from the config; a file that changed meanwhile is read', async () => {
    const poison = (folder: string): string => join(folder, 'poison')
    const proxy = await start(folder => POISON(poison(folder)), ['--watch'])
    const { running, folder, file, url } = proxy
    await change(proxy, 'POST', 'drained/drain')
    await untilKept(proxy)
    const engine = pidOf(running)!
    writeFileSync(poison(folder), '')
    process.kill(engine, 'SIGKILL')
    await eventually('it is dead', () => !isAlive(engine))
    // There is nobody now to see it: the next two will die as well.
    writeFileSync(file, readFileSync(file, 'utf8').replace('id: heavy,', 'id: heavy, weight: 4,'))
    await eventually('another engine routes', () => pidOf(running) !== engine, 60_000)
    const said = lines(running)
      .filter(({ level }) => Number(level) >= 50)
      .map(({ msg }) => msg)
    assert.deepEqual(said, [
      ...Array(3).fill('the engine died and is started again'),
      'engines died before they routed: the tables begin from the config alone',
    ])
    assert.equal(await statusOf(url), 200)
    assert.deepEqual((await barsOf(proxy)).drained, [])
    await eventually('the file is in force', async () =>
      (await endpointsOf(proxy)).some(({ id, weight }) => id === 'heavy' && weight === 4),
    )

    // Without its parent the engine drains and ends, and the one that stands by does not begin.
    const family = await familyOf(running)
    running.child.kill('SIGKILL')
    await eventually('nobody is left', () => family.every(pid => !isAlive(pid)), 60_000)
    assert.equal(lines(running).filter(({ msg }) => msg === 'routing').length, 2)
  })

  it('--state keeps the tables from one run to the next, under a parent or without', async () => {
    const state = mkdtempSync(join(tmpdir(), 'signalbox-kept-'))
    ends.push(() => rmSync(state, { recursive: true, force: true }))
    const named = ['--state', join(state, 'tables')]
    const first = await start(undefined, named)
    await change(first, 'POST', 'drained/drain')
    await change(first, 'PUT', 'heavy/weight', { weight: 5 })
    await eventually('checks have found the sick one', async () => (await barsOf(first)).sick?.includes('unhealthy'))
    const before = await standing(first)
    first.running.child.kill('SIGTERM')
    assert.equal((await first.running.exited).code, 0, first.running.output())
    assert.ok(existsSync(join(state, 'tables', 'tables.snapshot')))
    assert.deepEqual(
      readdirSync(first.folder).filter(name => name.startsWith('signalbox-state-')),
      [],
    )
    const running = startSignalbox(['proxy', '--config', first.file, ...named])
    ends.push(() => running.end())
    await eventually('it is ready', async () => (await statusOf(`${first.admin}/readyz`)) === 200, 60_000)
    assert.deepEqual(await standing(first), before)
    running.child.kill('SIGTERM')
    assert.equal((await running.exited).code, 0)
  })

  /** Waits until the disk says what was changed until now. */
  async function untilKept({ admin }: Proxy): Promise<void> {
    const from = performance.now()
    await eventually(
      'it is kept',
      async () => {
        // Its age when it was told of is less than when it was heard of.
        const askedAt = performance.now()
        const { text } = await get(`${admin}/metrics`)
        const ageS = Number(/^signalbox_snapshot_age_seconds (\S+)$/m.exec(text)?.[1])
        return ageS * 1000 < askedAt - from
      },
      30_000,
    )
  }

  interface Report {
    services: { endpoints: { id: string; weight: number; bars: string[] }[] }[]
  }

  async function endpointsOf({ admin }: Proxy) {
    const { services } = JSON.parse((await get(`${admin}/api/v1/services`)).text) as Report
    return services[0]!.endpoints
  }

  async function barsOf(proxy: Proxy): Promise<Partial<Record<Name, string[]>>> {
    return Object.fromEntries((await endpointsOf(proxy)).map(({ id, bars }) => [id, bars]))
  }

  /** By the bars the test has brought about; what agents make of them meanwhile (a warning, a quarantine) may come between two looks. */
  async function standing(proxy: Proxy): Promise<unknown> {
    const isOurs = (bar: string): boolean => ['draining', 'quarantined', 'unhealthy', 'ejected'].includes(bar)
    return (await endpointsOf(proxy)).map(({ id, weight, bars }) => ({ id, weight, bars: bars.filter(isOurs) }))
  }

  async function change({ admin }: Proxy, method: 'POST' | 'PUT', what: string, body?: object): Promise<void> {
    const answer = await request(`${admin}/api/v1/services/web/endpoints/${what}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    assert.equal(answer.statusCode, 200, await answer.body.text())
  }
})

/** Requests by four clients, one after the other each, on connections of their own; those that are lost are asked again. */
function load(url: string): { answered(): number; end(): Promise<void> } {
  let answered = 0
  let isOver = false
  const all = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      if ((await statusOf(url)) !== 0) answered++
      await new Promise(resolve => setTimeout(resolve, 2))
    }
  })
  return {
    answered: () => answered,
    end: async () => {
      isOver = true
      await Promise.all(all)
    },
  }
}

/** The status of one request on a connection of its own, which waits for whoever accepts it. */
async function ask(url: string): Promise<number> {
  const agent = new Agent({ connect: { timeout: 60_000 }, pipelining: 0 })
  try {
    const { statusCode, body } = await request(url, { dispatcher: agent })
    await body.dump()
    return statusCode
  } finally {
    await agent.destroy()
  }
}

async function statusOf(url: string): Promise<number> {
  return ask(url).catch(() => 0)
}

async function get(url: string): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await request(url)
  return { status: statusCode, text: await body.text() }
}

function lines(running: Running): Record<string, unknown>[] {
  return running
    .output()
    .split('\n')
    .filter(line => line.startsWith('{') && line.endsWith('}'))
    .map(line => JSON.parse(line))
}

/** The engines of a parent, as Linux tells, as soon as there are two: the one that routes and the one that stands by. */
function familyOf({ child: { pid } }: Running): Promise<number[]> {
  const children = (): number[] =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
  return eventually('another engine stands by', () => (children().length === 2 ? children() : undefined), 30_000)
}

/** The engine that routes now. */
function pidOf(running: Running): number | undefined {
  return lines(running).findLast(({ msg }) => msg === 'routing')?.pid as number | undefined
}
