import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { Pool, request } from 'undici'
import { freePorts } from '../../native-bench/load/programs.ts'
import { type Origin, startOrigin } from '../proxy/rig.ts'
import { type Running, startSignalbox } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'

/** A `signalbox proxy` on a file that a test rewrites, before two origins that answer with their names. */
describe('signalbox proxy and its config file', () => {
  let ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.reverse()) await end()
    ends = []
  })

  async function start(workers: number, args: string[] = []) {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-reload-'))
    ends.push(() => rmSync(folder, { recursive: true }))
    const origins: Record<string, Origin> = {}
    for (const name of ['a', 'b']) {
      origins[name] = await startOrigin((_, response) => response.end(name))
      ends.push(() => origins[name]!.close())
    }
    const [port, adminPort] = await freePorts(2)
    const file = join(folder, 'signalbox.yaml')
    const write = (origin: string, more = '', listen = port, token = ''): void => {
      const text = `listen: 127.0.0.1:${listen}
workers: ${workers}
admin: { listen: "127.0.0.1:${adminPort}", token: "${token}" }
log: { level: info, access: false }
services: { web: { endpoints: [{ id: ${origin}, url: "${origins[origin]!.url}" }] } }
${more}
`
      writeFileSync(`${file}.new`, text)
      renameSync(`${file}.new`, file)
    }
    write('a')
    const running = startSignalbox(['proxy', '--config', file, ...args])
    ends.push(() => running.end())
    const url = `http://127.0.0.1:${port}`
    const admin = `http://127.0.0.1:${adminPort}`
    await eventually('it is ready', async () => (await get(`${admin}/readyz`)).status === 200, 30_000)
    return { running, file, write, url, admin }
  }

  it('SIGHUP, the API and a broken file, under load on two threads: no request fails', async () => {
    const { running, file, write, url, admin } = await start(2)
    const pool = new Pool(url, { connections: 8 })
    ends.push(() => pool.destroy())
    let isOver = false
    const seen: string[] = []
    const load = Promise.all(
      Array.from({ length: 8 }, async () => {
        while (!isOver) {
          const { statusCode, body } = await pool.request({ path: '/', method: 'GET' })
          const text = await body.text()
          assert.equal(statusCode, 200, text)
          seen.push(text)
        }
      }),
    )
    load.catch(() => {})
    const served = async (origin: string): Promise<void> => {
      // As many in a row as there are connections, so that those of both threads have answered.
      await Promise.race([
        load,
        eventually(`${origin} answers`, () => seen.slice(-100).join('') === origin.repeat(100)),
      ])
    }
    await served('a')
    write('b')
    running.child.kill('SIGHUP')
    await served('b')
    write('a', 'limits: { headers: 150 }')
    const done = await post(`${admin}/api/v1/reload`)
    assert.deepEqual([done.status, done.json.generation, done.json.changes.keys], [200, 3, ['limits']])
    await served('a')
    write('b', 'banana: true\nlimits: { headers: many }')
    running.child.kill('SIGHUP')
    await eventually('it is refused', () =>
      lines(running).some(({ msg }) => msg === 'config not reloaded, the running one stays'),
    )
    const refused = await post(`${admin}/api/v1/reload`)
    assert.equal(refused.status, 422)
    assert.match(refused.json.error.message, new RegExp(`${file}:6:1: banana: .*\\n${file}:7:20: limits.headers: `))
    write('b', 'limits: { headers: 150 }', 1)
    const fixed = await post(`${admin}/api/v1/reload`)
    assert.deepEqual([fixed.status, fixed.json.error.code], [409, 'SBX_CONFIG_FIXED'])
    assert.match(fixed.json.error.message, new RegExp(`${file}:1:9: listen: `))
    await served('a')
    isOver = true
    await load
    const { text } = await get(`${admin}/metrics`)
    assert.match(text, /^signalbox_config_generation 3$/m)
    assert.match(text, /^signalbox_config_reloads_total\{result="refused"\} 3$/m)
    const log = lines(running)
    const [first] = log.filter(({ msg }) => msg === 'config reloaded')
    assert.deepEqual(
      {
        because: first!.because,
        generation: first!.generation,
        services: first!.services,
        endpoints: first!.endpoints,
      },
      {
        because: 'SIGHUP',
        generation: 2,
        services: { added: 0, removed: 0, changed: 0 },
        endpoints: { added: 1, removed: 1, changed: 0, reweighted: 0 },
      },
    )
    const [why] = log.filter(({ msg }) => msg === 'config not reloaded, the running one stays')
    assert.equal((why!.problems as string[]).length, 3)

    // The file is broken and the engine dies: it comes back with what was in force.
    write('b', 'banana: true')
    const pid = log.find(({ msg }) => msg === 'routing')!.pid as number
    process.kill(pid, 'SIGKILL')
    await eventually(
      'another engine routes',
      () => lines(running).some(line => line.msg === 'routing' && line.pid !== pid),
      30_000,
    )
    assert.equal((await get(url)).text, 'a')
    assert.equal((await get(`${admin}/api/v1/config`)).status, 200)
    running.child.kill('SIGTERM')
    assert.equal((await running.exited).code, 0, running.output())
  })

  it('--watch: the file is read anew when its content has changed, and the admin token follows', async () => {
    const { running, write, url, admin } = await start(1, ['--watch'])
    write('b', '', undefined, 'secret')
    await eventually('b answers', async () => (await get(url)).text === 'b')
    write('a', 'routes: 7')
    await eventually('it is refused', () => lines(running).some(({ problems }) => String(problems).includes('routes')))
    assert.equal((await get(url)).text, 'b')
    assert.equal((await post(`${admin}/api/v1/reload`)).status, 401)
    assert.equal(lines(running).find(({ msg }) => msg === 'config reloaded')?.because, 'the file has changed')
    running.child.kill('SIGTERM')
    assert.equal((await running.exited).code, 0, running.output())
  })

  it('SIGTERM: first not ready while it still serves, then it ends by itself; a second one ends it at once', async () => {
    const { running, write, url, admin } = await start(2)
    write('a', 'drain: { delay: 1h }')
    assert.equal((await post(`${admin}/api/v1/reload`)).status, 200)
    running.child.kill('SIGTERM')
    await eventually('it is not ready', async () => (await get(`${admin}/readyz`)).status === 503)
    const answer = await eventually('it says that it closes', async () => {
      const got = await get(url)
      return got.connection === 'close' ? got : undefined
    })
    assert.deepEqual([answer?.status, answer?.text], [200, 'a'])
    running.child.kill('SIGTERM')
    const { code, signal } = await running.exited
    assert.ok(code !== null && code !== 0 && signal === null, `${code} ${signal}`)
  })
})

function lines(running: Running): Record<string, unknown>[] {
  return running
    .output()
    .split('\n')
    .filter(line => line.startsWith('{') && line.endsWith('}'))
    .map(line => JSON.parse(line))
}

async function get(url: string) {
  try {
    const { statusCode, headers, body } = await request(url)
    return { status: statusCode, connection: headers.connection, text: await body.text() }
  } catch {
    return { status: 0, connection: undefined, text: '' }
  }
}

async function post(url: string) {
  const { statusCode, body } = await request(url, { method: 'POST' })
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of a body by asserting it.
  return { status: statusCode, json: (await body.json()) as any }
}
