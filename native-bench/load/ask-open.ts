import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { placed } from './cores.ts'
import { type OpenHeard, type OpenLoad, PATIENCE_MS } from './open-loop.ts'

const ENTRY = fileURLToPath(new URL('./open-loop-process.js', import.meta.url))
/** For a process to begin, on a busy machine. */
const START_MS = 20_000

/** Has a process of its own run an open loop, away from what is measured. */
export function askOpen(load: OpenLoad): Promise<OpenHeard> {
  const args = [ENTRY, JSON.stringify(load)]
  const timeout = (load.warmSeconds + load.seconds) * 1000 + PATIENCE_MS + START_MS
  return new Promise((resolve, reject) => {
    const child = spawn(...placed(process.execPath, args, 'load'), { stdio: ['ignore', 'pipe', 'inherit'], timeout })
    let output = ''
    child.stdout.on('data', bytes => (output += bytes))
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(output) as OpenHeard)
      else reject(new Error(`Cannot measure: the open loop ended with ${signal ?? code}`))
    })
  })
}
