import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseConfig } from '../engine/config/parse.ts'
import { POLICIES } from '../engine/policies/registry.ts'
import { freePorts } from '../native-bench/load/programs.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')

const blocks = (language: string): string[] =>
  [...README.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code]) => code)

/** The JavaScript block that uses this name. */
const example = (name: string): string => {
  const found = blocks('js').find(code => code.includes(name))
  assert.ok(found, `no example with ${name}`)
  return found
}

/** What the page says that an example prints: the first block without a language after it. */
function said(code: string): string {
  const output = /\n```\n([\s\S]*?)```/.exec(README.slice(README.indexOf(code) + code.length))?.[1]
  assert.ok(output, 'no output after the example')
  return output
}

/** Runs a module as a user of the package would, with files beside it: inside the package's own scope, 'signalbox' is this package. */
function runModule(
  code: string,
  extension = 'mjs',
  beside: Readonly<Record<string, string>> = {},
): { status: number | null; stdout: string; stderr: string } {
  const scratch = join(ROOT, 'dist', 'scratch')
  mkdirSync(scratch, { recursive: true })
  const folder = mkdtempSync(join(scratch, 'run-'))
  try {
    const file = join(folder, `example.${extension}`)
    writeFileSync(file, code)
    for (const [name, text] of Object.entries(beside)) writeFileSync(join(folder, name), text)
    return spawnSync(process.execPath, [file], { encoding: 'utf8', timeout: 20_000 })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('README: the first example runs as pasted', () => {
  const { status, stdout, stderr } = runModule(blocks('js')[0])
  assert.equal(stderr, '')
  assert.equal(status, 0)
  assert.match(stdout, /^send it to (10\.0\.0\.1:8080 at http:\/\/10\.0\.0\.1:8080|b at http:\/\/10\.0\.0\.2:8080)\n$/)
})

test('README: the example for fetch runs as pasted', async () => {
  // As pasted, but for the ports, which somebody else may be using here.
  const [first, second] = await freePorts(2)
  const code = example('RoutedDispatcher').replaceAll('8081', String(first)).replaceAll('8082', String(second))
  const { status, stdout, stderr } = runModule(code)
  assert.equal(stderr, '')
  assert.equal(status, 0)
  assert.deepEqual(stdout.trim().split('\n').sort(), [String(first), String(second)].sort())
})

test('README: the example of the ring runs as pasted', () => {
  const { status, stdout, stderr } = runModule(example('createRing'))
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '1 42 8\n', stderr: '' })
})

test('README: the example of a control plane runs as pasted', () => {
  const { status, stdout, stderr } = runModule(example('signalbox/writer'))
  const picked = 'picked with weight 1'
  assert.deepEqual(
    { status, stdout, stderr },
    { status: 0, stdout: `a: not picked: held\nb: ${picked}\nc: ${picked}\n`, stderr: '' },
  )
})

test('README: the example of a reload runs as pasted', () => {
  const { status, stdout, stderr } = runModule(example('box.reload'))
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '2 1\n', stderr: '' })
})

test('README: the first agent has at most twenty lines', () => {
  assert.ok(example('export default defineAgent').trim().split('\n').length <= 20)
})

test('README: the first agent runs in a thread of its own, and the log says what the page says', () => {
  const code = example('createAgents(')
  // Traffic until it has spoken: three of the six answer nothing but errors.
  const traffic = `
    const router = box.router('api')
    const until = Date.now() + 15_000
    for (let isTold = false; !isTold && Date.now() < until; await new Promise(resolve => setTimeout(resolve, 1))) {
      const ticket = router.pick()
      router.settle(ticket, 'abc'.includes(router.endpoint(ticket).id) ? 'error' : 'ok')
      isTold = lines.some(line => line.includes('service weakened'))
    }
    await box.close()`
  const seen = `const lines = []; const print = console.log; console.log = (...line) => { lines.push(line[1]); print(...line) }\n`
  const beside = { 'night-watch.js': example('export default defineAgent') }
  const { status, stdout, stderr } = runModule(seen + code + traffic, 'mjs', beside)
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  assert.ok(stdout.includes(`\n${said(code)}`), stdout)
})

test('README: the test of the first agent runs as pasted, and prints what the page says', () => {
  const code = example('createTestControlPlane')
  const { status, stdout, stderr } = runModule(code, 'mjs', {
    'night-watch.js': example('export default defineAgent'),
  })
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: said(code), stderr: '' })
})

test('README: the first example has at most twelve lines', () => {
  assert.ok(blocks('js')[0].trim().split('\n').length <= 12)
})

test('README: the example config is valid', () => {
  for (const yaml of blocks('yaml')) {
    const result = parseConfig(yaml)
    assert.ok('config' in result, JSON.stringify(result))
  }
})

test('README: the table of what works names every policy', () => {
  const table = README.slice(README.indexOf('## What works today'))
  for (const { name } of POLICIES) assert.ok(table.includes(`\`${name}\``), name)
})

test('the package can be required, prints nothing, and lets the process end', () => {
  const code =
    "const { createSignalbox, PICK } = require('signalbox'); require('signalbox/ring'); require('signalbox/writer'); require('signalbox/agents'); require('signalbox/undici'); if (typeof createSignalbox !== 'function' || PICK.NO_ENDPOINT !== -1) throw new Error('exports')"
  const { status, stdout, stderr } = runModule(code, 'cjs')
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' })
})

test('nothing beside the documented doors can be imported', () => {
  const { status, stderr } = runModule("await import('signalbox/dist/engine/index.js')")
  assert.notEqual(status, 0)
  assert.match(stderr, /ERR_PACKAGE_PATH_NOT_EXPORTED/)
})
