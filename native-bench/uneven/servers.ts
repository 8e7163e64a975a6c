import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { placed } from '../load/cores.ts'
import { end } from '../load/programs.ts'
import type { Turn } from './servers-process.ts'

const ENTRY = fileURLToPath(new URL('./servers-process.js', import.meta.url))

export interface UnevenServers {
  readonly ports: readonly number[]
  /** Forgets all that waits, and has other requests from here on. */
  begin(turn: Turn): Promise<void>
  end(): Promise<void>
}

export async function startServers(): Promise<UnevenServers> {
  const child = spawn(...placed(process.execPath, [ENTRY], 'load'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  // One that ends before it says anything is heard too.
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`Cannot measure: the servers have ended with ${code}`)
  })
  gone.catch(() => {})
  const told = async (): Promise<unknown> => ((await Promise.race([once(child, 'message'), gone])) as unknown[])[0]
  const ports = (await told()) as number[]
  return {
    ports,
    async begin(turn) {
      const ready = told()
      child.send(turn)
      await ready
    },
    end: () => end(child),
  }
}
