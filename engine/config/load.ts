import { open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { SignalboxError } from '../errors.ts'
import { checkTree, withoutEchoes } from './check.ts'
import { type Environment, interpolateTree } from './interpolate.ts'
import { listenInFolder } from './listen-schema.ts'
import { CONFIG_BYTES_MAX, type ConfigResult, type LocatedConfig, parseLocated, tooLarge } from './parse.ts'
import { type ConfigProblem, type Finding, formatPath, formatProblems } from './problems.ts'
import type { Config, ConfigInput } from './schema.ts'
import { servicesInFolder } from './service-paths.ts'
import { certificateFindings } from './tls-findings.ts'
import { tlsFileFindings } from './upstream-findings.ts'

export type { Config, ConfigInput } from './schema.ts'

/** Reads a config file. Throws SBX_CONFIG_UNREADABLE, or SBX_CONFIG_INVALID with a line for each problem. */
export async function loadConfig(file: string, env: Environment = process.env): Promise<Config> {
  const { config } = await loadLocated(file, env)
  return config
}

/** The same, for who judges the config further. */
export async function loadLocated(file: string, env: Environment = process.env): Promise<LocatedConfig> {
  const result = await readLocated(file, env)
  if ('config' in result) return result
  throw invalid(`Cannot read config ${file}`, formatProblems(file, result.problems), result.problems)
}

/**
 * Reads a config file and gives back its problems instead of throwing them. The certificates it names are read and judged
 * too; their paths are relative to the folder of the file. Throws SBX_CONFIG_UNREADABLE.
 */
export async function readConfig(file: string, env: Environment = process.env): Promise<ConfigResult> {
  const result = await readLocated(file, env)
  return 'config' in result ? { config: result.config } : result
}

async function readLocated(file: string, env: Environment): Promise<LocatedConfig | { problems: ConfigProblem[] }> {
  const bytes = await readAtMost(file, CONFIG_BYTES_MAX + 1)
  if (bytes.length > CONFIG_BYTES_MAX) return { problems: [tooLarge()] }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { problems: [notUtf8(bytes)] }
  }
  const folder = dirname(resolve(file))
  const result = parseLocated(text, {
    file,
    env,
    inspect: ({ listen, services }, written) => [
      ...certificateFindings(written, listenInFolder(listen, folder)),
      ...tlsFileFindings(servicesInFolder(services, folder)),
    ],
  })
  if ('problems' in result) return result
  const { listen, services } = result.config
  const config = {
    ...result.config,
    listen: listenInFolder(listen, folder),
    services: servicesInFolder(services, folder),
  }
  return { ...result, config }
}

/**
 * Checks a config given as plain data, for `createSignalbox`. Several services need no routes here, for they may be
 * reached by their names. Throws SBX_CONFIG_INVALID with a line for each problem.
 */
export function validateConfig(input: ConfigInput | unknown, env: Environment = process.env): Config {
  const findings: Finding[] = []
  const tree = interpolateTree(input, env, finding => findings.push(finding))
  const checked = checkTree(tree, { needsRoutes: false })
  if ('config' in checked && findings.length === 0) {
    findings.push(...tlsFileFindings(checked.config.services))
    if (findings.length === 0) return checked.config
  }
  if ('findings' in checked) findings.push(...checked.findings)
  const problems = withoutEchoes(findings, tree).map(({ path, message }) => ({ path: formatPath(path), message }))
  throw invalid('Cannot use config', formatProblems('', problems), problems)
}

function invalid(action: string, lines: string, problems: readonly ConfigProblem[]): SignalboxError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  return new SignalboxError('SBX_CONFIG_INVALID', `${action}: ${count}\n${lines}`)
}

/** Reads no further than `bytes`, so that a file without end does no harm. */
async function readAtMost(file: string, bytes: number): Promise<Buffer> {
  try {
    await using handle = await open(file)
    const buffer = Buffer.alloc(bytes)
    let length = 0
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, bytes - length)
      length += bytesRead
      if (bytesRead === 0 || length === bytes) return buffer.subarray(0, length)
    }
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message
    throw new SignalboxError(
      'SBX_CONFIG_UNREADABLE',
      `Cannot read config ${file}: ${reason}, name a file that can be read`,
      {
        cause: error,
      },
    )
  }
}

function notUtf8(bytes: Buffer): ConfigProblem {
  // A decoder in stream mode stops at the first byte that fits nowhere; everything before it decodes.
  let good = 0
  for (let step = 2 ** Math.floor(Math.log2(bytes.length)); step >= 1; step /= 2) {
    if (good + step <= bytes.length && decodes(bytes.subarray(0, good + step))) good += step
  }
  const before = bytes.subarray(0, good).toString('utf8')
  const line = before.split('\n').length
  const column = before.length - before.lastIndexOf('\n')
  return { line, column, path: '', message: 'a byte that is not UTF-8; save the file as UTF-8' }
}

function decodes(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}
