import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** Locks this thread has taken: its process is alive, and would be told so about itself. */
const held = new Set<string>()

/** So often a lock that nobody holds is taken away, and found again: somebody else is at it. */
const TRIES_MAX = 10

/**
 * Keeps a file for one process, by another beside it that says which: `FILE.lock` with its pid, and when it began, as the kernel counts. One
 * that is left by a process that is gone, or whose pid another one has now, holds nobody off.
 *
 * Of processes of one machine that see each other: of another machine, or another container, it cannot be known who is alive. And of two that find
 * the lock of the same dead one in the same moment, both may go on.
 */
export class FileLock {
  readonly #path: string

  private constructor(path: string) {
    this.#path = path
  }

  /** Throws where another process keeps the file, or another lock of this thread; and what the system says where it cannot be written. */
  static take(file: string): FileLock {
    const path = resolve(`${file}.lock`)
    if (held.has(path)) throw new Error(`${file} is kept by another store of this process`)
    const own = `${path}.${process.pid}`
    writeFileSync(own, holderText(process.pid))
    try {
      for (let tries = 0; !tryLink(own, path); tries++) {
        const holder = holderOf(path)
        if (holder !== '' && isAlive(holder)) {
          throw new Error(`${file} is kept by process ${holder.split(' ')[0]}, end that or name another file`)
        }
        if (tries === TRIES_MAX) throw new Error(`${path} comes back each time it is taken away, remove it`)
        rmSync(path, { force: true })
      }
    } finally {
      rmSync(own, { force: true })
    }
    held.add(path)
    return new FileLock(path)
  }

  /** Whoever comes next may have it. */
  release(): void {
    if (held.delete(this.#path)) rmSync(this.#path, { force: true })
  }
}

/** True: it is there, and whole. False: there is one already. */
function tryLink(own: string, path: string): boolean {
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function holderText(pid: number): string {
  return `${pid} ${beganOf(pid)}\n`
}

/** Empty: there is none. */
function holderOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

function isAlive(holder: string): boolean {
  const pid = Number(holder.split(' ')[0])
  if (!Number.isSafeInteger(pid) || pid <= 0 || holder !== holderText(pid)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * When a process began, in ticks since the machine did; empty where that is not told.
 *
 * Source  Linux, proc_pid_stat(5): the 22nd figure, the 20th behind the name, which may hold anything.
 */
function beganOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
