import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runSignalbox } from '../support/command-line.ts'

describe('signalbox', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-test-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const written = (text: string): string => {
    const file = join(folder, 'config.yaml')
    writeFileSync(file, text)
    return file
  }

  test('--version prints the version of the package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    assert.equal(runSignalbox(['--version']).stdout, `${version}\n`)
  })

  test('--help names every command, help COMMAND explains one', () => {
    const { stdout, status } = runSignalbox(['--help'])
    assert.equal(status, 0)
    for (const command of ['proxy', 'demo', 'check', 'bench']) {
      assert.match(stdout, new RegExp(`^ {2}${command} `, 'm'))
      const help = runSignalbox(['help', command])
      assert.equal(help.status, 0)
      assert.match(help.stdout, new RegExp(`^Usage: signalbox ${command}`))
      assert.equal(runSignalbox([command, '--help']).stdout, help.stdout)
    }
  })

  test('an unknown command or option exits 2 and says what there is', () => {
    const { status, stderr } = runSignalbox(['porxy'])
    assert.equal(status, 2)
    assert.match(stderr, /there is no command "porxy"; there are proxy, demo, check, bench/)
    assert.equal(runSignalbox(['proxy', '--confg', 'x']).status, 2)
  })

  test('check: three mistakes are three lines with line, column, path and wish, and exit 2', () => {
    const file = written(`listen: 127.0.0.1:99999
services:
  api:
    policy: least-reqest
    endpoints:
      - { url: "http://127.0.0.1:9001", wieght: 2 }
`)
    for (const args of [
      ['check', file],
      ['proxy', '--config', file],
      ['proxy', '--config', file, '--supervised'],
    ]) {
      const { status, stderr } = runSignalbox(args)
      assert.equal(status, 2)
      const lines = stderr.split('\n').filter(line => line.startsWith(file))
      assert.equal(lines.length, 3, stderr)
      assert.match(lines[0], /:1:9: listen: .*65535/)
      assert.match(lines[1], /:4:13: services\.api\.policy: .*did you mean "least-request"/)
      assert.match(lines[2], /:6:41: services\.api\.endpoints\[0\].*: unknown key; did you mean "weight"/)
    }
  })

  test('check: a good config exits 0 and names its services', () => {
    const file = written('services: { api: { endpoints: [{ url: "http://127.0.0.1:9001" }] } }\n')
    const { status, stdout } = runSignalbox(['check', file])
    assert.equal(status, 0)
    assert.equal(stdout, `${file}: ok: api (least-request, 1 endpoint)\n`)
  })

  test('check: a good config shows what each route takes, and where that leads', () => {
    const file = written(`services: { api: {}, canary: {}, shadow: {} }
routes:
  - { match: { host: "*.example.com", path: /old/, scheme: http }, redirect: { scheme: https, prefix: /new/ } }
  - { name: health, match: { exactPath: /status, method: GET }, respond: { body: ok } }
  - match: { pathPattern: "/users/{id}", headers: { x-canary: "1", x-a: false, x-b: { prefix: v } } }
    service: canary
    subset: { version: v2 }
    class: sheddable
    rewrite: { path: /u, host: inner }
    responseHeaders: { remove: [server] }
    mirror: { service: shadow, share: 10% }
  - { split: { api: 95, canary: 5 } }
`)
    const { status, stdout } = runSignalbox(['check', file])
    assert.equal(status, 0)
    assert.deepEqual(stdout.trimEnd().split('\n').slice(1), [
      '  routes[0]: *.example.com /old/…, http → redirect 308 to https://*/new/…',
      '  routes[1] (health): /status, GET → respond 200',
      '  routes[2]: /users/{id}, x-canary: 1, no x-a, x-b: v… → canary, where version is v2, sheddable, as inner /u, response headers changed, 10% copied to shadow',
      '  routes[3]: everything → split api 95, canary 5',
    ])
  })

  test('a config that is not there exits 2 and says so', () => {
    const { status, stderr } = runSignalbox(['proxy', '--config', join(folder, 'nowhere.yaml')])
    assert.equal(status, 2)
    assert.match(stderr, /there is no such file/)
  })
})
