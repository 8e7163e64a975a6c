import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { Sequencer, type Written } from './sequencer.ts'
import type { Log } from './sequencer-desk.ts'

/** What a line of the log says: that a sequencer began, or what it changed. */
type Line = { readonly term: number } | Written

/**
 * The changes of a sequencer as lines of JSON in a file that only grows, so that it can begin where it ended.
 *
 *   {"term":2}
 *   {"key":"p/1","revision":8589934593,"entry":{…},"lease":{"id":"2-1","ttlMs":2000}}
 *   {"key":"p/1","revision":8589934594}
 *
 * All that is appended at once is on the disk before anybody hears of it, with one fsync. A last line that is not whole was never
 * heard of. When it begins anew, that and what is gone are left out of the file.
 */
export class SequencerLog implements Log {
  readonly #fd: number

  private constructor(fd: number) {
    this.#fd = fd
  }

  /** Throws what the system says where the file cannot be read or written, and where it holds what no sequencer wrote. */
  static open(file: string, nowMs: number): { sequencer: Sequencer; log: SequencerLog } {
    const lines = existsSync(file) ? readLines(file) : []
    const terms = lines.flatMap(line => ('term' in line ? [line.term] : []))
    const sequencer = new Sequencer(terms.length === 0 ? 0 : Math.max(...terms) + 1)
    const standing = new Map<string, Written>()
    for (const line of lines) {
      if ('term' in line) continue
      if (line.entry === undefined) standing.delete(line.key)
      else standing.set(line.key, line)
    }
    for (const written of standing.values()) sequencer.replay(written, nowMs)
    const next = `${file}.next`
    const fd = openSync(next, 'w')
    const log = new SequencerLog(fd)
    log.#write([{ term: sequencer.term }, ...standing.values()])
    renameSync(next, file)
    keepFolder(dirname(file))
    return { sequencer, log }
  }

  append(written: readonly Written[]): void {
    this.#write(written)
  }

  #write(lines: readonly Line[]): void {
    const bytes = Buffer.from(lines.map(line => `${JSON.stringify(line)}\n`).join(''))
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at)
    fsyncSync(this.#fd)
  }
}

/** What a system says that has no fsync of folders; there a name is kept when the system sees fit. */
const NO_FSYNC = new Set(['EPERM', 'EINVAL', 'EACCES', 'EISDIR', 'ENOTSUP'])

/** That the file has another name now is on the disk too: its name is in the folder, not in the file. */
function keepFolder(folder: string): void {
  try {
    const fd = openSync(folder, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (!NO_FSYNC.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/** Whole lines of the file. */
function readLines(file: string): Line[] {
  const text = readFileSync(file, 'utf8')
  const end = text.lastIndexOf('\n') + 1
  return text
    .slice(0, end)
    .split('\n')
    .slice(0, -1)
    .map((line, at) => readLine(line, `${file}:${at + 1}`))
}

function readLine(text: string, at: string): Line {
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch (error) {
    throw new Error(`Cannot read ${at}: it is no line of a sequencer's log`, { cause: error })
  }
  const { term, key, revision } = (line ?? {}) as { term?: unknown; key?: unknown; revision?: unknown }
  if (Number.isSafeInteger(term) || (typeof key === 'string' && Number.isSafeInteger(revision))) return line as Line
  throw new Error(`Cannot read ${at}: it is no line of a sequencer's log`)
}
