import { createHash } from 'node:crypto'
import { open, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { NewEndpoint } from '../../../engine/writer.ts'
import type { Said } from '../answer.ts'
import { type Claimed, readClaims } from '../found-endpoint.ts'
import type { Plan } from '../plans.ts'

/** Of one file; a list of 10,000 endpoints takes a quarter of it. */
const BYTES_MAX = 4 * 2 ** 20
/** Of one folder. */
const FILES_MAX = 1024

/** What a file said when it was last good, by its path: what is broken later does not take it away. */
export type LastGood = ReadonlyMap<string, readonly NewEndpoint[]>

export interface Contents {
  readonly said: Said
  readonly lastGood: LastGood
  /** Of all bytes: the same bytes say the same. */
  readonly digest: string
}

/** Where something changes when what the source says does. */
export function watchedBy({ entry: { file, directory } }: Plan): { folder: string; isMeant(name: string): boolean } {
  if (directory !== undefined) return { folder: directory, isMeant: name => isEndpoints(name) || name.startsWith('..') }
  // A volume of a cluster changes all its files at once by a link whose name begins so.
  return { folder: dirname(file!), isMeant: name => name === basename(file!) || name.startsWith('..') }
}

/**
 * Reads the endpoints of a file, or of all *.json of a folder: a list, `{ endpoints: [...] }`, one endpoint, or urls in place of
 * endpoints. A file that is broken says what it said when it was last good, and is told; one that is gone says nothing any more, but for the
 * file of a source, which fails.
 */
export async function readEndpoints(plan: Plan, lastGood: LastGood): Promise<Contents> {
  const { file, directory } = plan.entry
  const hash = createHash('sha256')
  const good = new Map<string, readonly NewEndpoint[]>()
  const all: NewEndpoint[] = []
  const faults: string[] = []
  for (const path of directory === undefined ? [file!] : await filesOf(directory)) {
    const read = await readFileOf(path, plan, hash)
    const before = lastGood.get(path)
    const endpoints = 'fault' in read ? before : read.endpoints
    if ('fault' in read) faults.push(`${basename(path)}: ${read.fault}`)
    if (endpoints === undefined) continue
    good.set(path, endpoints)
    all.push(...endpoints)
  }
  const digest = hash.digest('hex')
  // Nothing was ever good: whoever had something from it before keeps it.
  if (good.size === 0 && faults.length > 0) {
    return { said: { kind: 'failed', reason: faults.slice(0, 3).join('; ') }, lastGood, digest }
  }
  return { said: { kind: 'found', endpoints: all, isWhole: true, faults }, lastGood: good, digest }
}

async function filesOf(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter(isEndpoints).sort()
  return names.slice(0, FILES_MAX).map(name => join(directory, name))
}

function isEndpoints(name: string): boolean {
  return name.endsWith('.json') && !name.startsWith('.')
}

async function readFileOf(
  path: string,
  { entry }: Plan,
  hash: { update(bytes: Buffer | string): unknown },
): Promise<{ endpoints: readonly NewEndpoint[] } | { fault: string }> {
  try {
    const bytes = await readAtMost(path)
    hash.update(`${path}\n`)
    hash.update(bytes)
    if (bytes.length > BYTES_MAX) return { fault: `is larger than ${BYTES_MAX / 2 ** 20} MiB` }
    const { endpoints, faults } = readClaims(claimsOf(JSON.parse(bytes.toString('utf8'))), entry)
    return faults.length === 0 ? { endpoints } : { fault: faults[0]! }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    hash.update(`${path}\n${code}\n`)
    return { fault: code === 'ENOENT' ? 'there is no such file' : message }
  }
}

async function readAtMost(path: string): Promise<Buffer> {
  await using handle = await open(path)
  const pieces: Buffer[] = []
  let length = 0
  while (length <= BYTES_MAX) {
    const { bytesRead, buffer } = await handle.read({ buffer: Buffer.alloc(64 * 1024) })
    if (bytesRead === 0) break
    pieces.push(buffer.subarray(0, bytesRead))
    length += bytesRead
  }
  return Buffer.concat(pieces)
}

/** Throws for what is no list of endpoints. */
function claimsOf(value: unknown): Claimed[] {
  if (Array.isArray(value)) return value.map(claimOf)
  if (isMap(value) && Array.isArray(value.endpoints)) return value.endpoints.map(claimOf)
  return [claimOf(value)]
}

function claimOf(value: unknown): Claimed {
  if (typeof value === 'string') return { url: value }
  if (isMap(value)) return value
  throw new Error('it is no endpoint and no list of them')
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
