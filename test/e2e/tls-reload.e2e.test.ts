import assert from 'node:assert/strict'
import { copyFileSync, renameSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import { Agent, request as askHttps } from 'node:https'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { request } from 'undici'
import { freePorts } from '../../native-bench/load/programs.ts'
import { startOrigin } from '../proxy/rig.ts'
import { certificateFolder } from '../support/certificates.ts'
import { startSignalbox } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'

const ROUNDS = 10

interface Seen {
  /** Name in the certificate of each handshake. */
  certificates: string[]
  /** Names of the origins that answered, in order. */
  answers: string[]
  handshakes: number
  requests: number
}

test('ten reloads with other certificates under load on two threads: no handshake and no request fails', async t => {
  const folder = certificateFolder()
  t.after(() => folder.remove())
  const origins: Record<string, string> = {}
  for (const name of ['a', 'b']) {
    folder.make(name, `${name}.example`)
    const origin = await startOrigin((incoming, response) => {
      incoming.resume()
      incoming.on('end', () => response.end(name))
    })
    t.after(() => origin.close())
    origins[name] = origin.url
  }
  const [port, adminPort] = await freePorts(2)
  const file = folder.path('signalbox.yaml')
  /** Certificate and endpoint of this name. */
  const use = (name: string): void => {
    for (const end of ['pem', 'key']) copyFileSync(folder.path(`${name}.${end}`), folder.path(`live.${end}`))
    writeFileSync(
      `${file}.new`,
      `listen: { address: "127.0.0.1:${port}", tls: { cert: live.pem, key: live.key } }
workers: 2
admin: { listen: "127.0.0.1:${adminPort}" }
log: { level: warn, access: false }
services: { web: { endpoints: [{ id: ${name}, url: "${origins[name]}" }] } }
`,
    )
    renameSync(`${file}.new`, file)
  }
  use('a')
  const running = startSignalbox(['proxy', '--config', file])
  t.after(() => running.end())
  const metrics = async (): Promise<string> => (await request(`http://127.0.0.1:${adminPort}/metrics`)).body.text()
  const isReady = async (): Promise<boolean> => {
    const { statusCode, body } = await request(`http://127.0.0.1:${adminPort}/readyz`)
    await body.dump()
    return statusCode === 200
  }
  await eventually('it is ready', isReady, 30_000)

  const seen: Seen = { certificates: [], answers: [], handshakes: 0, requests: 0 }
  const load = new Load(port, seen)
  t.after(() => load.end())
  for (let round = 0; round < ROUNDS; round++) {
    const name = round % 2 === 0 ? 'b' : 'a'
    const { handshakes } = seen
    use(name)
    running.child.kill('SIGHUP')
    await load.until(`${name} is shown and answers, from both threads`, () => {
      const isShown = seen.certificates.slice(-16).every(each => each === `${name}.example`)
      return seen.handshakes > handshakes + 16 && isShown && seen.answers.slice(-50).every(each => each === name)
    })
  }
  await load.end()
  const text = await metrics()
  assert.match(text, /^signalbox_config_generation 11$/m)
  for (const thread of ['0', '1']) {
    const count = (name: string, labels: string): number =>
      Number(new RegExp(`^${name}\\{${labels}\\} (\\d+)$`, 'm').exec(text)?.[1])
    assert.equal(count('signalbox_proxy_failed_entries_total', `thread="${thread}"`), 0)
    assert.ok(count('signalbox_proxy_responses_total', `thread="${thread}",class="2xx"`) > 0, text)
  }
  t.diagnostic(`${seen.handshakes} handshakes, ${seen.requests} requests over HTTP/1.1 and HTTP/2`)
})

/** Clients of four kinds, until they are ended; the first failure of any is the end of all. */
class Load {
  readonly #port: number
  readonly #seen: Seen
  readonly #all: Promise<unknown>
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 2, rejectUnauthorized: false })
  #isOver = false

  constructor(port: number, seen: Seen) {
    this.#port = port
    this.#seen = seen
    this.#all = Promise.all([
      ...[1, 2].map(() => this.#repeat(() => this.#askHttp1(this.#agent))),
      ...[1, 2].map(() => this.#repeat(() => this.#askHttp1(false))),
      ...[1, 2].map(() => this.#withSession(session => this.#repeat(() => this.#askHttp2(session)))),
      ...[1, 2].map(() => this.#repeat(() => this.#withSession(session => this.#askHttp2(session)))),
    ])
    this.#all.catch(() => {})
  }

  async until(what: string, claim: () => boolean): Promise<void> {
    await Promise.race([this.#all, eventually(what, claim, 30_000)])
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#all
    this.#agent.destroy()
  }

  async #repeat(ask: () => Promise<void>): Promise<void> {
    while (!this.#isOver) await ask()
  }

  #took(body: string): void {
    this.#seen.answers.push(body)
    this.#seen.requests++
  }

  #shook(socket: TLSSocket): void {
    this.#seen.handshakes++
    this.#seen.certificates.push(String(socket.getPeerCertificate().subject.CN))
  }

  /** `false`: on a connection of its own. */
  #askHttp1(agent: Agent | false): Promise<void> {
    const options = { host: '127.0.0.1', port: this.#port, agent, method: 'POST', rejectUnauthorized: false }
    return new Promise((resolve, reject) => {
      const asked = askHttps(options, response => {
        let body = ''
        response.on('data', chunk => (body += chunk))
        response.on('error', reject)
        response.on('end', () => {
          if (response.statusCode !== 200) return reject(new Error(`${response.statusCode} ${body}`))
          this.#took(body)
          if (agent === false) this.#shook(response.socket as TLSSocket)
          resolve()
        })
      })
      asked.on('error', reject)
      asked.end('a body')
    })
  }

  async #withSession(then: (session: http2.ClientHttp2Session) => Promise<void>): Promise<void> {
    const session = http2.connect(`https://127.0.0.1:${this.#port}`, { rejectUnauthorized: false })
    const failed = new Promise<never>((_, reject) => session.once('error', reject))
    failed.catch(() => {})
    await Promise.race([failed, new Promise(resolve => session.once('connect', resolve))])
    this.#shook(session.socket as TLSSocket)
    await Promise.race([failed, then(session)])
    session.close()
  }

  /** Three at once on one session. */
  async #askHttp2(session: http2.ClientHttp2Session): Promise<void> {
    const ask = (): Promise<void> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':method': 'POST' })
        let status: number | undefined
        let body = ''
        stream.on('response', headers => {
          status = headers[':status']
        })
        stream.on('data', chunk => (body += chunk))
        stream.on('error', reject)
        stream.on('close', () => {
          if (status !== 200 || stream.rstCode !== 0) return reject(new Error(`${status} ${stream.rstCode} ${body}`))
          this.#took(body)
          resolve()
        })
        stream.end('a body')
      })
    await Promise.all([ask(), ask(), ask()])
  }
}
