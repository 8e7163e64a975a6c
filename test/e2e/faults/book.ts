import { appendFileSync, existsSync, readFileSync } from 'node:fs'

/**
 * The book of one origin: what it has done, line by line, written before anybody is told. It is a file, so that it survives a
 * SIGKILL between the two, and the origin that is started again writes on in it.
 *
 *   <ms> executed <method> <id>      the request has come whole, and its effect is done
 *   <ms> answered <method> <id>      the answer is handed to the kernel; of a health check without an id
 */
export interface Entry {
  readonly origin: string
  readonly atMs: number
  readonly what: 'executed' | 'answered'
  readonly method: string
  /** −1: a health check. */
  readonly id: number
}

/** Health checks are asked for nothing. */
export const CHECK = -1

/** Milliseconds on a clock that all processes of this machine share, whatever happens to the time of day. */
export function sharedMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

export function writeEntry(file: string, what: Entry['what'], method: string, id: number): void {
  appendFileSync(file, `${sharedMs()} ${what} ${method} ${id}\n`)
}

export function readBook(file: string, origin: string): Entry[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines
    .map(line => line.split(' '))
    .filter(words => words.length === 4)
    .map(([at, what, method, id]) => ({
      origin,
      atMs: Number(at),
      what: what as Entry['what'],
      method: method!,
      id: Number(id),
    }))
}
