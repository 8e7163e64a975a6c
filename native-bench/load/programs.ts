import { type ChildProcess, spawn } from 'node:child_process'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type Place, pathOf, placed } from './cores.ts'

/** A program that listens, in a process of its own. */
export interface Program {
  readonly pid: number
  readonly port: number
  /** What it has printed. */
  output(): string
  /** Ends it for good. */
  end(): Promise<void>
}

/** How long a program may take until it listens: Node on a busy machine takes seconds. */
const PATIENCE_MS = 30_000
const LOOK_MS = 10

/** Starts one on a port nobody has; it listens when this resolves. Undefined where it is not installed. */
export async function startWherePresent(
  program: string,
  place: Place,
  argsFor: (port: number) => readonly string[],
): Promise<Program | undefined> {
  const path = pathOf(program)
  if (path === undefined) return undefined
  const [port] = (await freePorts(1)) as [number]
  const child = spawn(...placed(path, argsFor(port), place), { stdio: ['ignore', 'pipe', 'pipe'] })
  return whenListening(program, child, port)
}

/** The same of one that is installed. */
export async function startProgram(
  program: string,
  argsFor: (port: number) => readonly string[],
  place: Place = 'anywhere',
): Promise<Program> {
  const started = await startWherePresent(program, place, argsFor)
  if (started === undefined) throw new Error(`Cannot start ${program}: it is not installed`)
  return started
}

/** Resolves once it can be connected to. One that does not come to that is ended, and what it printed is told. */
export async function whenListening(name: string, child: ChildProcess, port: number): Promise<Program> {
  let output = ''
  let failure: string | undefined
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', bytes => {
      output += bytes
    })
  }
  child.once('error', error => {
    failure = error.message
  })
  const until = performance.now() + PATIENCE_MS
  while (!(await canConnect(port))) {
    if (hasEnded(child)) failure ??= 'it has ended'
    if (performance.now() > until) failure ??= `it does not listen after ${PATIENCE_MS} ms`
    if (failure !== undefined) {
      await end(child)
      throw new Error(`Cannot start ${name}: ${failure}: ${output}`)
    }
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
  }
  return { pid: child.pid!, port, output: () => output, end: () => end(child) }
}

/** Ends a process for good. */
export async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const exited = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}

/** One that never began has ended. */
function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null
}

/** What nginx has to be told to keep everything in one folder. */
export function nginxFolder(folder: string): string {
  return ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(name => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
}

export function canConnect(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      resolve(true)
      socket.destroy()
    })
  })
}

/** Ports nobody listens on at this moment, for programs that must be told one. */
export async function freePorts(count: number): Promise<number[]> {
  const holders = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    holders.map(
      holder =>
        new Promise<number>((resolve, reject) => {
          holder.once('error', reject)
          holder.listen(0, '127.0.0.1', () => resolve((holder.address() as AddressInfo).port))
        }),
    ),
  )
  await Promise.all(holders.map(holder => new Promise(resolve => holder.close(resolve))))
  return ports
}
