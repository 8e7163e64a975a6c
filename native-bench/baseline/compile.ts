import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { TIER_BITS } from '../../engine/memory/bars.ts'
import * as layout from '../../engine/memory/layout.ts'

/** Where C++ is: it is not compiled with the rest, but by whoever measures. */
const FOLDER = fileURLToPath(new URL('../../../native-bench/', import.meta.url))

/** As a distribution compiles what it ships. */
const FLAGS = ['-std=c++20', '-O2', '-Wall', '-Wextra']

/**
 * A program of the folder `native/` of a part of this suite, compiled by g++ for the memory layout of this build; kept in the system's folder for what is temporary, under a name
 * that says what it was made of. Undefined where there is no g++, or its source is not there, as in the package. Throws what the compiler says where it refuses.
 */
export async function compiled(name: string, part = 'baseline'): Promise<string | undefined> {
  const sources = join(FOLDER, part, 'native')
  if (!existsSync(sources)) return undefined
  const version = await versionOf('g++')
  if (version === undefined) return undefined
  const header = layoutHeader()
  const hash = createHash('sha256').update([version, ...FLAGS, header].join('\n'))
  for (const file of readdirSync(sources).sort()) hash.update(readFileSync(join(sources, file)))
  const folder = join(tmpdir(), `signalbox-native-${hash.digest('hex').slice(0, 16)}`)
  const program = join(folder, name)
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'layout.h'), header)
  // Whoever else compiles it at this moment does not find half of it.
  const fresh = `${program}.${process.pid}`
  await promisify(execFile)('g++', [...FLAGS, `-I${folder}`, '-o', fresh, join(sources, `${name}.cc`)])
  renameSync(fresh, program)
  return program
}

async function versionOf(compiler: string): Promise<string | undefined> {
  try {
    return (await promisify(execFile)(compiler, ['--version'])).stdout
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Every word of the layout by the name it has in memory/layout.ts. */
function layoutHeader(): string {
  const numbers = Object.entries({ ...layout, TIER_BITS }).flatMap(([name, value]) =>
    typeof value === 'number' ? [`constexpr int32_t ${name} = ${value | 0};`] : [],
  )
  return ['#pragma once', '#include <cstdint>', ...numbers, ''].join('\n')
}
