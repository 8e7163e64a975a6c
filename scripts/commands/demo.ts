import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { request } from 'undici'
import { type DemoEndpoint, startDemoEndpoints } from '../demo/endpoints.ts'
import { startLoad } from '../demo/load.ts'
import type { Command } from './command.ts'

export const demo: Command = {
  name: 'demo',
  usage: '[--listen HOST:PORT] [--admin HOST:PORT] [--no-load]',
  summary: 'runs the proxy before four uneven endpoints of its own, to look at',
  details: `
  --listen HOST:PORT   where the proxy listens (127.0.0.1:8080)
  --admin HOST:PORT    where the dashboard is (127.0.0.1:9901)
  --no-load            sends no requests of its own

The endpoints are processes: kill one and watch. Ctrl-C drains and exits 0.
`,
  async run(args) {
    const { values } = parseArgs({
      args,
      options: { listen: { type: 'string' }, admin: { type: 'string' }, 'no-load': { type: 'boolean' } },
    })
    const listen = values.listen ?? '127.0.0.1:8080'
    const admin = values.admin ?? '127.0.0.1:9901'
    return runDemo(listen, admin, values['no-load'] !== true)
  },
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const ENTRY = fileURLToPath(new URL('../signalbox.js', import.meta.url))

/** The demo is an ordinary `signalbox proxy` on a config it writes, with endpoints and a load around it. */
async function runDemo(listen: string, admin: string, hasLoad: boolean): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-demo-'))
  const file = join(folder, 'demo.yaml')
  const { endpoints, stop } = await startDemoEndpoints(say)
  let engine: ChildProcess | undefined
  try {
    await writeFile(file, demoConfig(listen, admin, endpoints))
    engine = spawn(process.execPath, [ENTRY, 'proxy', '--config', file], { stdio: ['ignore', 'inherit', 'inherit'] })
    const ended = new Promise<number>(resolve => {
      engine?.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)))
    })
    const whenAsked = stopWhenAsked(engine)
    const isUp = await Promise.race([untilReady(admin), ended])
    if (typeof isUp === 'number') return isUp
    say(welcome(listen, admin, file, endpoints))
    const load = hasLoad ? startLoad(`http://${listen}`, say) : undefined
    whenAsked(async () => {
      await load?.stop()
      if (load !== undefined)
        say(`\nload: ${load.counts.sent} sent, ${load.counts.ok} ok, ${load.counts.failed} failed`)
    })
    return await ended
  } finally {
    stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Passes SIGINT and SIGTERM on to the engine, after `first` has been done. A second one ends everything at once. */
function stopWhenAsked(engine: ChildProcess): (first: () => Promise<void>) => void {
  let before = async (): Promise<void> => {}
  let asked = 0
  const onSignal = (): void => {
    if (++asked > 1) {
      engine.kill('SIGKILL')
      return
    }
    void before().finally(() => engine.kill('SIGTERM'))
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return first => {
    before = first
  }
}

function demoConfig(listen: string, admin: string, endpoints: DemoEndpoint[]): string {
  const lines = endpoints.map(
    ({ id, port, weight, zone }) =>
      `      - { id: ${id}, url: "http://127.0.0.1:${port}", weight: ${weight}, zone: ${zone} }`,
  )
  return `# What "signalbox demo" runs.
listen: ${listen}
admin: { listen: ${admin} }
log: { level: warn, access: false }
services:
  demo:
    policy: least-request
    healthCheck: { path: /healthz, interval: 500ms, timeout: 300ms }
    endpoints:
${lines.join('\n')}
`
}

async function untilReady(admin: string): Promise<true> {
  for (;;) {
    try {
      const { statusCode, body } = await request(`http://${admin}/readyz`)
      await body.dump()
      if (statusCode === 200) return true
    } catch {
      // not there yet
    }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

function welcome(listen: string, admin: string, file: string, endpoints: DemoEndpoint[]): string {
  const victim = endpoints[0]
  return `
  signalbox demo

    proxy       http://${listen}
    dashboard   http://${admin}
    config      ${file}

    endpoints   ${endpoints.map(({ id, port, pid }) => `${id.padEnd(7)} 127.0.0.1:${port}  pid ${pid}`).join('\n                ')}

  Try
    curl http://${listen}/hello
    kill -9 ${victim.pid}                            and watch its weight on the dashboard; it returns by itself
    curl -s http://${admin}/api/v1/explain/demo    why each endpoint gets what it gets
    curl -X POST http://${admin}/api/v1/services/demo/endpoints/${victim.id}/drain

  Ctrl-C drains and ends.
`
}
