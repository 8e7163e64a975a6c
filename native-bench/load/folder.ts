import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder for files that programs are to read, which goes with what is done in it, also when somebody ends this process meanwhile. */
export interface Folder {
  readonly path: string
  remove(): void
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const folders = new Set<string>()

export function makeFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'signalbox-load-'))
  if (folders.size === 0) for (const signal of SIGNALS) process.on(signal, leave)
  folders.add(path)
  return { path, remove: () => remove(path) }
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true })
  folders.delete(path)
  if (folders.size === 0) for (const signal of SIGNALS) process.off(signal, leave)
}

/** The signal then does what it does by itself. */
function leave(signal: NodeJS.Signals): void {
  for (const path of folders) remove(path)
  process.kill(process.pid, signal)
}
