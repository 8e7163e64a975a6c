import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import net from 'node:net'
import { delimiter, join } from 'node:path'
import { freePorts } from './command-line.ts'
import { eventually } from './eventually.ts'

/** Other proxies, as Debian packages them, to be run beside ours. */

export interface Program {
  readonly port: number
  /** What it has printed. */
  output(): string
  end(): Promise<void>
}

/** Where a program is; undefined where it is not installed. */
export function pathOf(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  return folders.map(folder => join(folder, program)).find(existsSync)
}

/** Starts one on a port nobody has; it listens when this resolves. */
export async function startProgram(
  program: 'nginx' | 'haproxy',
  argsFor: (port: number) => readonly string[],
): Promise<Program> {
  const [port] = (await freePorts(1)) as [number]
  const child = spawn(pathOf(program)!, argsFor(port), { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', bytes => {
      output += bytes
    })
  }
  await eventually(`${program} listens`, () => {
    if (child.exitCode !== null) throw new Error(`${program} has ended: ${output}`)
    return canConnect(port)
  })
  return { port, output: () => output, end: () => end(child) }
}

/** What nginx has to be told to keep everything in one folder. */
export function nginxFolder(folder: string): string {
  return ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(name => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
}

/** Ends a process for good. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}

export function canConnect(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect({ host: '127.0.0.1', port })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      resolve(true)
      socket.destroy()
    })
  })
}
