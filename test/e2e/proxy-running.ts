import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ThreadStatus } from '../../engine/proxy/threads/thread-keeper.ts'
import type { Origin } from '../proxy/rig.ts'
import { eventually } from '../support/eventually.ts'

/** A proxy of two threads under a parent process, as a command line would run it, and how a test sees into it. */

const PARENT = fileURLToPath(new URL('./proxy-parent.js', import.meta.url))

export interface Running {
  parent: ChildProcess
  port: number
  /** The engine that routes now. */
  enginePid(): number
  lines: Record<string, unknown>[]
  errors(): string
  end(): void
}

export async function startParent(
  origin: Origin,
  config: Record<string, unknown> = {},
  port = 0,
  env: NodeJS.ProcessEnv = {},
): Promise<Running> {
  const input = { services: { api: { endpoints: [{ id: 'a', url: origin.url }] } }, workers: 2, ...config }
  const parent = spawn(process.execPath, [PARENT, JSON.stringify(input), String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const lines: Record<string, unknown>[] = []
  let errors = ''
  let rest = ''
  parent.stdout.on('data', chunk => {
    rest += chunk
    const whole = rest.split('\n')
    rest = whole.pop() as string
    for (const line of whole) lines.push(JSON.parse(line))
  })
  parent.stderr.on('data', chunk => {
    errors += chunk
  })
  const started = (): Record<string, unknown> | undefined => lines.filter(line => line.pid !== undefined).at(-1)
  await eventually('the engine routes or the parent ends', () => started() ?? parent.exitCode !== null)
  return {
    parent,
    port: (started()?.addresses as { port: number }[] | undefined)?.[0].port ?? 0,
    enginePid: () => started()?.pid as number,
    lines,
    errors: () => errors,
    end: () => {
      parent.kill('SIGKILL')
      const pid = started()?.pid
      if (pid !== undefined && isAlive(pid as number)) process.kill(pid as number, 'SIGKILL')
    },
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

export async function threadsOf(running: Running): Promise<ThreadStatus[]> {
  const before = running.lines.length
  process.kill(running.enginePid(), 'SIGHUP')
  const line = await eventually('the engine tells of its threads', () =>
    running.lines.slice(before).find(each => each.threads !== undefined),
  )
  return line?.threads as ThreadStatus[]
}
