import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { request } from 'undici'
import { freePorts } from '../../native-bench/load/programs.ts'
import { type Running, startSignalbox } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'

const NGINX = '/usr/sbin/nginx'
const WRK = '/usr/bin/wrk'
const lacking = [NGINX, WRK].filter(file => !existsSync(file))
const skip = lacking.length > 0 ? `${lacking.join(' and ')} missing: apt-get install nginx-light wrk` : false

/** The proxy as an operator runs it: before nginx, under wrk, stopped by SIGTERM. */
describe('signalbox proxy before nginx', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-e2e-'))
  let nginx: ChildProcess
  let running: Running
  let proxy = ''
  let admin = ''

  before(async () => {
    const [originPort, proxyPort, adminPort] = await freePorts(3)
    proxy = `http://127.0.0.1:${proxyPort}`
    admin = `http://127.0.0.1:${adminPort}`
    writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, originPort))
    nginx = spawn(NGINX, ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' })
    await eventually('nginx answers', async () => (await get(`http://127.0.0.1:${originPort}/`)) === 200)
    const config = join(folder, 'signalbox.yaml')
    writeFileSync(
      config,
      `listen: 127.0.0.1:${proxyPort}
workers: 2
admin: { listen: "127.0.0.1:${adminPort}" }
log: { level: warn, access: false }
services: { web: { endpoints: [{ id: nginx, url: "http://127.0.0.1:${originPort}" }] } }
`,
    )
    running = startSignalbox(['proxy', '--config', config])
    await eventually('it is ready', async () => (await get(`${admin}/readyz`)) === 200, 20_000)
  })
  after(async () => {
    await running?.end()
    nginx?.kill('SIGQUIT')
    rmSync(folder, { recursive: true, force: true })
  })

  test('serves 64 connections without an error, over both threads', async () => {
    const { stdout } = spawnSync(WRK, ['-t1', '-c64', '-d4s', '--latency', `${proxy}/`], { encoding: 'utf8' })
    assert.match(stdout, /requests in/)
    assert.doesNotMatch(stdout, /Non-2xx|Socket errors/, stdout)
    const { body } = await request(`${admin}/api/v1/live`, { headersTimeout: 5000 })
    let text = ''
    for await (const chunk of body) {
      text += chunk
      if (text.includes('\n\n')) break
    }
    const snapshot = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '{}') as {
      proxy: { threads: { responses: { '2xx': number } }[] }
    }
    assert.equal(snapshot.proxy.threads.length, 2)
    for (const { responses } of snapshot.proxy.threads) assert.ok(responses['2xx'] > 0, JSON.stringify(snapshot.proxy))
  })

  test('SIGTERM finishes what is in flight, refuses what is new, and exits 0', async () => {
    running.child.kill('SIGTERM')
    const { code } = await running.exited
    assert.equal(code, 0, running.output())
    await assert.rejects(request(proxy))
  })
})

async function get(url: string): Promise<number> {
  try {
    const { statusCode, body } = await request(url)
    await body.dump()
    return statusCode
  } catch {
    return 0
  }
}

function nginxConfig(folder: string, port: number): string {
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000;
  server { listen 127.0.0.1:${port}; location / { return 200 "ok\\n"; } }
}
`
}
