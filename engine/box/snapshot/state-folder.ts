import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeSnapshot } from './format.ts'
import type { TablesSnapshot } from './snapshot.ts'

/** The newest snapshot, the one before it, and the one that is being written. */
const NEWEST = 'tables.snapshot'
const BEFORE = 'tables.snapshot.before'
const NEXT = 'tables.snapshot.next'

/** A snapshot that may be resumed. */
export interface Generation {
  readonly file: string
  readonly snapshot: TablesSnapshot
}

/** A file that is not taken, and why. */
export interface Refusal {
  readonly file: string
  readonly why: string
}

/**
 * Where snapshots of the tables are kept: the newest and the one before it, each whole at every moment.
 *
 *   write:   next ──sync──┐     newest ──rename──▶ before     next ──rename──▶ newest     folder ──sync
 *                         └ a process that dies here leaves the newest and the one before it
 *                                                  └ and here the one before it alone
 *
 * What is in them is as secret as the config, and nobody else reads or writes them: the folder is made for its owner alone.
 */
export class StateFolder {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** The generations that are whole, newest first, and why others are not. Never rejects. */
  async read(): Promise<{ generations: Generation[]; refusals: Refusal[] }> {
    const generations: Generation[] = []
    const refusals: Refusal[] = []
    for (const name of [NEWEST, BEFORE]) {
      const file = join(this.path, name)
      try {
        const read = decodeSnapshot(await readFile(file))
        if ('snapshot' in read) generations.push({ file, snapshot: read.snapshot })
        else refusals.push({ file, why: read.fault })
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        if (code !== 'ENOENT') refusals.push({ file, why: message })
      }
    }
    return { generations, refusals }
  }

  /** Puts a snapshot in the place of the newest one. Rejects with the system's error, and then the newest is what it was. */
  async write(bytes: Uint8Array): Promise<void> {
    const [newest, before, next] = [NEWEST, BEFORE, NEXT].map(name => join(this.path, name)) as [string, string, string]
    await mkdir(this.path, { recursive: true, mode: 0o700 })
    try {
      const file = await open(next, 'w', 0o600)
      try {
        await file.writeFile(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(newest, before).catch(unlessMissing)
      await rename(next, newest)
    } catch (error) {
      // Half of a file on a full disk is room that others need.
      await rm(next, { force: true }).catch(() => {})
      throw error
    }
    await this.#sync()
  }

  /** Names are as durable as their folder. */
  async #sync(): Promise<void> {
    const folder = await open(this.path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }
}

function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
