// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment look like that.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig, readConfig, validateConfig } from '../../engine/config/load.ts'
import { SignalboxError } from '../../engine/errors.ts'

async function withFile(content: string | Buffer, use: (file: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-config-'))
  try {
    const file = join(folder, 'signalbox.yaml')
    await writeFile(file, content)
    await use(file)
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('loadConfig() reads a file, with or without a byte order mark', async () => {
  for (const mark of ['', '\ufeff']) {
    await withFile(`${mark}services: { a: {} }\r\nzone: "\${Z}"\r\n`, async file => {
      assert.equal((await loadConfig(file, { Z: 'z1' })).zone, 'z1')
    })
  }
})

test('loadConfig() throws one error that lists every problem with file, line and column', async () => {
  await withFile('services: { a: {} }\nzone: [x]\nworkers: none\n', async file => {
    await assert.rejects(loadConfig(file, {}), (error: unknown) => {
      assert.ok(error instanceof SignalboxError)
      assert.equal(error.code, 'SBX_CONFIG_INVALID')
      assert.deepEqual(error.message.split('\n'), [
        `Cannot read config ${file}: 2 problems`,
        `${file}:2:7: zone: a list is not a zone; write letters, digits and ._:- only, 1 to 64 of them`,
        `${file}:3:10: workers: "none" is not a whole number from 1 to 1024`,
      ])
      return true
    })
  })
})

test('readConfig() gives the place of a byte that is not UTF-8', async () => {
  const text = Buffer.from('services: { a: {} }\n# gr\u00fc\u00dfe\nzone: "x?"\n')
  text[text.indexOf('?')] = 0xff
  await withFile(text, async file => {
    const message = 'a byte that is not UTF-8; save the file as UTF-8'
    assert.deepEqual(await readConfig(file, {}), { problems: [{ line: 3, column: 9, path: '', message }] })
  })
})

test('loadConfig() refuses a file without end and names one that is not there', async () => {
  const code = (code: string, message: RegExp) => (error: unknown) =>
    error instanceof SignalboxError && error.code === code && message.test(error.message)
  await assert.rejects(loadConfig('/dev/zero'), code('SBX_CONFIG_INVALID', /larger than 4MiB/))
  await assert.rejects(
    loadConfig('no/such/file'),
    code('SBX_CONFIG_UNREADABLE', /no\/such\/file: there is no such file/),
  )
  await assert.rejects(loadConfig('.'), code('SBX_CONFIG_UNREADABLE', /EISDIR/))
})

test('validateConfig() takes plain data and does not touch it', () => {
  const input = Object.freeze({ services: Object.freeze({ a: Object.freeze({ breaker: Object.freeze({}) }) }) })
  assert.equal(validateConfig(input).services.a!.retry.attempts, 2)
})

test('validateConfig() needs no routes: a program may reach services by their names', () => {
  assert.deepEqual(validateConfig({ services: { a: {}, b: {} } }).routes, [])
})

test('validateConfig() lists every problem by its path', () => {
  assert.throws(
    () => validateConfig({ services: { a: { heathCheck: {} } }, workers: 0, zone: undefined, listen: () => {} }, {}),
    {
      code: 'SBX_CONFIG_INVALID',
      message: [
        'Cannot use config: 3 problems',
        'listen: not plain data; write texts, numbers, true, false, lists and maps',
        'workers: 0 is out of range; write a whole number from 1 to 1024',
        'services.a.heathCheck: unknown key; did you mean "healthCheck"?',
      ].join('\n'),
    },
  )
  for (const input of [undefined, null, 1, 'x', [], new Map()]) {
    assert.throws(() => validateConfig(input), { code: 'SBX_CONFIG_INVALID' })
  }
})

test('validateConfig() lets no key reach a prototype', () => {
  const hostile = JSON.parse('{ "services": { "a": {}, "__proto__": { "isAdmin": {} } } }')
  assert.throws(() => validateConfig(hostile), /services\.__proto__: a key of this name is refused/)
  assert.equal(({} as Record<string, unknown>).isAdmin, undefined)
})
