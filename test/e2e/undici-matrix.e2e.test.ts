import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type NodeVersion, nodeVersions } from './node-versions.ts'

const CLIENT = fileURLToPath(new URL('./undici-matrix-client.js', import.meta.url))
const run = promisify(execFile)

/**
 * Each Node.js brings an undici of its own, with handlers of one style or the other; a dispatcher of the undici that
 * signalbox depends on has to serve them all.
 *
 *   { built-in fetch, undici.fetch, request, setGlobalDispatcher } × { GET, streamed POST, abort, retry, upgrade }
 */
for (const version of await nodeVersions([20, 22, 24, 26])) {
  const { name, missing } = version
  if (missing !== undefined) process.stderr.write(`SKIPPED for want of ${name}: ${missing}\n`)
  test(`RoutedDispatcher serves every client of ${name}`, { skip: missing ?? false }, async context => {
    const results = await runMatrix(version)
    assert.equal(Object.keys(results).length, 20)
    for (const [cell, result] of Object.entries(results)) {
      await context.test(cell, () => assert.equal(result, 'ok'))
    }
  })
}

async function runMatrix({ binary }: NodeVersion): Promise<Record<string, string>> {
  assert.ok(binary !== undefined)
  const { stdout: version } = await run(binary, ['--version'], { timeout: 20_000 })
  // Node 20 has a WebSocket, but behind a flag.
  const flags = version.startsWith('v20.') ? ['--experimental-websocket', '--no-warnings'] : []
  const { stdout } = await run(binary, [...flags, CLIENT], {
    timeout: 60_000,
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  return JSON.parse(stdout) as Record<string, string>
}
