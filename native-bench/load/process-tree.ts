import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** What a program takes of the machine, with all its threads and the processes it has started, as the kernel tells it (proc(5)). NaN where it does not. */

const IS_TOLD = existsSync('/proc/self/stat')

/** Of a second, in what the kernel counts CPU time in: sysconf(_SC_CLK_TCK), 100 on every Linux that Node runs on. */
const TICKS = 100
/** Fields of /proc/PID/stat from the state on, which is the first after the name. */
const PARENT = 1
const USER_TICKS = 11
const SYSTEM_TICKS = 12

/** A process and all below it. */
export function treeOf(pid: number): number[] {
  if (!IS_TOLD) return [pid]
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const each = Number(name)
    const fields = Number.isInteger(each) ? statOf(each) : undefined
    if (fields === undefined) continue
    const parent = Number(fields[PARENT])
    children.set(parent, [...(children.get(parent) ?? []), each])
  }
  const tree = [pid]
  for (const each of tree) tree.push(...(children.get(each) ?? []))
  return tree
}

/** CPU time so far, user and system, in µs. What was spent by a child that is gone is not in it. */
export function cpuUsOf(pids: readonly number[]): number {
  if (!IS_TOLD) return Number.NaN
  const ticks = pids.map(pid => {
    const fields = statOf(pid)
    return Number(fields?.[USER_TICKS] ?? 0) + Number(fields?.[SYSTEM_TICKS] ?? 0)
  })
  return (ticks.reduce((sum, each) => sum + each, 0) * 1e6) / TICKS
}

/** Resident memory in bytes (RSS), as the first to load a program has it: of what others share with it, all is counted. */
export function memoryBytesOf(pids: readonly number[]): number {
  if (!IS_TOLD) return Number.NaN
  const sizes = pids.map(pid => {
    const [, kib = 0] = /^VmRSS:\s+(\d+) kB/m.exec(textOf(`/proc/${pid}/status`)) ?? []
    return Number(kib) * 1024
  })
  return sizes.reduce((sum, each) => sum + each, 0)
}

/** Undefined: there is no such process, or no more. */
function statOf(pid: number): string[] | undefined {
  const text = textOf(`/proc/${pid}/stat`)
  // The name stands in parentheses and may hold some itself.
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** Empty where the process has ended. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
