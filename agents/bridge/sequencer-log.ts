import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { Sequencer, type Written } from './sequencer.ts'
import type { Log } from './sequencer-desk.ts'

/** What a line of the log says: that a sequencer began, or what it changed. */
type Line = { readonly term: number } | Written

/** A shorter log is left alone: some megabytes, read in a moment. */
const LINES_MIN = 10_000
/** One that has so many lines for each key that stands is written anew: a line costs a quarter of another at most. */
const GROWTH_MAX = 4

/**
 * The changes of a sequencer as lines of JSON in a file that only grows, so that it can begin where it ended.
 *
 *   {"term":2}
 *   {"key":"p/1","revision":8589934593,"entry":{…},"lease":{"id":"2-1","ttlMs":2000}}
 *   {"key":"p/1","revision":8589934594}
 *
 * All that is appended at once is on the disk before anybody hears of it, with one fsync. A last line that is not whole was never
 * heard of. When it begins anew, that and what is gone are left out of the file; so is what is gone as soon as it is most of it, by
 * another file that takes the place of this one when it is whole.
 */
export class SequencerLog implements Log {
  readonly #file: string
  readonly #term: number
  /** What the lines come to, by key. */
  readonly #standing: Map<string, Written>
  #fd = -1
  #lines = 0

  private constructor(file: string, term: number, standing: Map<string, Written>) {
    this.#file = file
    this.#term = term
    this.#standing = standing
    this.#begin()
  }

  /** Throws what the system says where the file cannot be read or written, and where it holds what no sequencer wrote. */
  static open(file: string, nowMs: number): { sequencer: Sequencer; log: SequencerLog } {
    const lines = existsSync(file) ? readLines(file) : []
    const terms = lines.flatMap(line => ('term' in line ? [line.term] : []))
    const sequencer = new Sequencer(terms.length === 0 ? 0 : Math.max(...terms) + 1)
    const standing = new Map<string, Written>()
    for (const line of lines) {
      if ('term' in line) continue
      take(standing, line)
    }
    for (const written of standing.values()) sequencer.replay(written, nowMs)
    return { sequencer, log: new SequencerLog(file, sequencer.term, standing) }
  }

  append(written: readonly Written[]): void {
    this.#write(written)
    for (const each of written) take(this.#standing, each)
    if (this.#lines > LINES_MIN && this.#lines > GROWTH_MAX * this.#standing.size) this.#begin()
  }

  /** A file of what stands, in the place of the one that was. Whoever dies half-way leaves that one as it is. */
  #begin(): void {
    const next = `${this.#file}.next`
    const before = this.#fd
    this.#fd = openSync(next, 'w')
    this.#lines = 0
    this.#write([{ term: this.#term }, ...this.#standing.values()])
    renameSync(next, this.#file)
    keepFolder(dirname(this.#file))
    if (before >= 0) closeSync(before)
  }

  #write(lines: readonly Line[]): void {
    this.#lines += lines.length
    const bytes = Buffer.from(lines.map(line => `${JSON.stringify(line)}\n`).join(''))
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at)
    fsyncSync(this.#fd)
  }
}

function take(standing: Map<string, Written>, written: Written): void {
  if (written.entry === undefined) standing.delete(written.key)
  else standing.set(written.key, written)
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
