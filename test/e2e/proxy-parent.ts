import { fileURLToPath } from 'node:url'
import { runUnderParent } from '../../engine/proxy/threads/parent.ts'

/** A parent process as a command line would run it, for tests: config as JSON in the first argument. */

const engine = fileURLToPath(new URL('./proxy-engine.js', import.meta.url))
try {
  process.exitCode = await runUnderParent({
    args: [engine, process.argv[2]],
    listen: [{ address: '127.0.0.1', port: Number(process.argv[3] ?? 0) }],
  })
} catch (error) {
  process.stderr.write(`${(error as { code: string }).code}: ${(error as Error).message}\n`)
  process.exitCode = 1
}
