import { execFile } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A Node.js to test with, or why there is none. */
export interface NodeVersion {
  /** What the test is called: `Node 22`, or the path it was given by. */
  name: string
  binary?: string
  /** Why it is missing, with the command that brings it. */
  missing?: string
}

/** How long the registry may take for one of them, in ms. */
const INSTALL_MS = 90_000

/**
 * The Node.js binaries to test with: this one, and
 *
 *   SIGNALBOX_NODES=/path/to/node:/path/to/another    those, where it is set
 *   otherwise                                         one of each other major, from npm, kept in the folder for
 *                                                     temporary files so that it is fetched once
 */
export async function nodeVersions(majors: readonly number[]): Promise<NodeVersion[]> {
  const own = Number(process.versions.node.split('.')[0])
  const versions: NodeVersion[] = [{ name: `Node ${own}`, binary: process.execPath }]
  const given = process.env.SIGNALBOX_NODES
  if (given !== undefined && given !== '') {
    for (const binary of given.split(delimiter)) {
      const missing = existsSync(binary) ? undefined : `${binary} of SIGNALBOX_NODES is not there`
      versions.push({ name: binary, binary, missing })
    }
    return versions
  }
  return versions.concat(await Promise.all(majors.filter(major => major !== own).map(fetchNode)))
}

async function fetchNode(major: number): Promise<NodeVersion> {
  const name = `Node ${major}`
  const cache = join(tmpdir(), `signalbox-nodes-${process.getuid?.() ?? 'here'}`)
  const folder = join(cache, `${process.platform}-${process.arch}-${major}`)
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1']
  const spec = `n${major}@npm:node-${process.platform}-${process.arch}@${major}`
  const binaryIn = (at: string): string => join(at, 'node_modules', `n${major}`, 'bin', 'node')
  try {
    makePrivate(cache)
    if (!existsSync(binaryIn(folder))) {
      const fresh = mkdtempSync(join(cache, 'fetching-'))
      try {
        await run('npm', [...args, '--prefix', fresh, spec], { timeout: INSTALL_MS, cwd: fresh })
        // Two test runs may fetch at once: whoever is first wins.
        if (!existsSync(binaryIn(folder))) {
          rmSync(folder, { recursive: true, force: true })
          renameSync(fresh, folder)
        }
      } finally {
        rmSync(fresh, { recursive: true, force: true })
      }
    }
    return { name, binary: binaryIn(folder) }
  } catch (error) {
    if (existsSync(binaryIn(folder))) return { name, binary: binaryIn(folder) }
    const { message, stderr = '' } = error as Error & { stderr?: string }
    const told = /^npm error (?!code|errno|syscall)(.+)$/m.exec(stderr)?.[1] ?? message
    return { name, missing: `${told}; npm ${args.join(' ')} --prefix ${folder} ${spec}` }
  }
}

/** What is run from a folder all may write to must be this user's own. */
function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== process.getuid())) {
    throw new Error(`${folder} belongs to someone else`)
  }
}
