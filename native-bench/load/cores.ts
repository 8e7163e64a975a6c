import { existsSync, readFileSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/**
 * Where a process runs. What is measured has a core to itself; who asks and who answers share the others, so that one proxy is not slower than
 * another because a load generator took its core.
 *
 *     core 0      the proxy that is measured
 *     core 1 …    load generator, origins
 */
export type Place = 'measured' | 'load' | 'anywhere'

/** Where a program is; undefined where it is not installed. */
export function pathOf(program: string): string | undefined {
  if (isAbsolute(program)) return program
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  return folders.map(folder => join(folder, program)).find(existsSync)
}

/**
 * What to run so that a program is at its place, and does not outlive this process, however that ends. Where taskset or setpriv are missing it is
 * run without them. Both become the program, so the pid is its own.
 */
export function placed(program: string, args: readonly string[], place: Place): [program: string, args: string[]] {
  const all = [program, ...args]
  const cores = coresOf(place)
  const [taskset, setpriv] = [pathOf('taskset'), pathOf('setpriv')]
  if (cores !== undefined && taskset !== undefined) all.unshift(taskset, '-c', cores)
  if (setpriv !== undefined) all.unshift(setpriv, '--pdeathsig', 'KILL')
  return [all[0]!, all.slice(1)]
}

/** Undefined where there is nothing to choose from. */
function coresOf(place: Place): string | undefined {
  const cores = allowedCores()
  if (place === 'anywhere' || cores.length < 2) return undefined
  return place === 'measured' ? String(cores[0]) : cores.slice(1).join()
}

/** Those that this process may run on: of a machine it may be given some only. */
function allowedCores(): number[] {
  if (process.platform !== 'linux') return []
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return list.split(',').flatMap(range => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}
