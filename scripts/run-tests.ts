import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * What `npm test` runs: every *.test.js of the compiled tests, by node's own runner. `npm test -- memory proxy` runs
 * the files whose path contains one of the words. Programs some tests need are installed first where that is possible;
 * elsewhere those tests say what they miss and are skipped.
 */
const PROGRAMS = [
  { command: 'wrk', debian: 'wrk', for: 'load on the proxy' },
  { command: 'nginx', debian: 'nginx-light', for: 'an endpoint and a proxy that are not ours' },
  { command: 'haproxy', debian: 'haproxy', for: 'another proxy that is not ours' },
  { command: 'openssl', debian: 'openssl', for: 'certificates to test with' },
  { command: 'curl', debian: 'curl', for: 'HTTP/2 from a client that is not ours' },
  { command: 'g++', debian: 'g++', for: 'compiled code that decisions are held against' },
  { command: 'chromium', debian: 'chromium', for: 'the dashboard in a browser' },
]

/** For a whole file, as for each test of it: the longest takes a minute on a quiet machine, and others run beside it. */
const FILE_MS_MAX = 300_000

const TESTS = fileURLToPath(new URL('../test/', import.meta.url))

function installMissing(): void {
  const missing = PROGRAMS.filter(({ command }) => !isInstalled(command))
  if (missing.length === 0) return
  const packages = missing.map(({ debian }) => debian)
  const canInstall = process.getuid?.() === 0 && isInstalled('apt-get')
  if (canInstall) {
    process.stderr.write(`Installing what tests need: ${packages.join(' ')}\n`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const stdio = ['ignore', 'ignore', 'inherit'] as const
    spawnSync('apt-get', ['update', '-qq'], { env, stdio: [...stdio] })
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env, stdio: [...stdio] })
  }
  for (const { command, debian, for: purpose } of missing) {
    if (isInstalled(command)) continue
    process.stderr.write(`SKIPPED for want of ${command} (${purpose}): apt-get install ${debian}\n`)
  }
}

function isInstalled(command: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  return folders.some(folder => folder !== '' && existsSync(join(folder, command)))
}

function testFiles(words: readonly string[]): string[] {
  const all = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.test.js'))
  const chosen = words.length === 0 ? all : all.filter(file => words.some(word => file.includes(word)))
  return chosen.sort().map(file => join(TESTS, file))
}

const words = process.argv.slice(2)
const files = testFiles(words)
if (files.length === 0) {
  process.stderr.write(`No test file matches ${words.join(' ') || 'anything: build first (npm run build)'}\n`)
  process.exit(1)
}
installMissing()
const { status, signal } = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${availableParallelism()}`,
    `--test-timeout=${FILE_MS_MAX}`,
    ...files,
  ],
  { stdio: 'inherit', env: { ...process.env, NODE_OPTIONS: '' } },
)
process.exit(status ?? (signal === null ? 1 : 128))
