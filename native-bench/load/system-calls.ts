import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { pathOf } from './cores.ts'

/**
 * How many system calls processes make, with all their threads, while something is done. perf counts them in the kernel, which nobody notices; where
 * it may not, strace does, which makes each one many times as slow. NaN where neither can.
 */
export async function systemCallsOf(pids: readonly number[], during: () => Promise<void>): Promise<number> {
  for (const counter of [countedByPerf, countedByStrace]) {
    const { args, program, isReady, read } = counter(pids)
    const path = pathOf(program)
    if (path === undefined) continue
    const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let output = ''
    child.stderr.on('data', bytes => (output += bytes))
    try {
      if (!(await begins(child, () => isReady(output)))) continue
      await during()
    } finally {
      await stop(child)
    }
    const count = read(output)
    if (count !== undefined) return count
  }
  return Number.NaN
}

interface Counter {
  readonly program: string
  readonly args: string[]
  /** By what it has printed. */
  isReady(output: string): boolean
  read(output: string): number | undefined
}

function countedByPerf(pids: readonly number[]): Counter {
  return {
    program: 'perf',
    args: ['stat', '-x,', '-e', 'raw_syscalls:sys_enter', '-p', pids.join()],
    // It says nothing when it begins, and ends at once where it may not.
    isReady: () => true,
    read: output => numberIn(/^(\d+),[^,]*,raw_syscalls:sys_enter/m, output),
  }
}

function countedByStrace(pids: readonly number[]): Counter {
  return {
    program: 'strace',
    args: ['-c', '-f', ...pids.flatMap(pid => ['-p', String(pid)])],
    isReady: output => output.includes('attached'),
    // % time, seconds, usecs/call, calls, errors, "total"
    read: output => numberIn(/^\s*100\.00\s+\S+\s+\d*\s+(\d+)\s.*total$/m, output),
  }
}

function numberIn(pattern: RegExp, text: string): number | undefined {
  const found = pattern.exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}

const BEGIN_MS = 300
const PATIENCE_MS = 5000

/** Whether it counts; one that has ended by then does not. */
async function begins(child: ChildProcess, isReady: () => boolean): Promise<boolean> {
  const until = performance.now() + PATIENCE_MS
  do {
    await new Promise(resolve => setTimeout(resolve, BEGIN_MS))
    if (child.exitCode !== null || child.pid === undefined) return false
  } while (!isReady() && performance.now() < until)
  return isReady()
}

/** Both tell what they have counted when they are interrupted. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  child.kill('SIGINT')
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  await once(child, 'close')
  clearTimeout(timer)
}
