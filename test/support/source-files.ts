import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One import or re-export of a source file. */
export interface Import {
  /** As written. */
  specifier: string
  /** The file it means, from the top of the repository; undefined for packages. */
  file: string | undefined
  line: number
  isTypeOnly: boolean
  /** Loaded when it comes to that, by a call. */
  isDeferred: boolean
}

/** A TypeScript file of the repository. */
export interface SourceFile {
  /** From the top of the repository, with slashes. */
  path: string
  text: string
  /** The text with comments blanked out, line for line. */
  code: string
  imports: Import[]
}

/** The top of the repository, found upwards from the compiled test or from where the test was started. */
export const TOP = findTop()

function findTop(): string {
  for (const start of [dirname(fileURLToPath(import.meta.url)), process.cwd()]) {
    for (let at = start; ; at = dirname(at)) {
      if (existsSync(join(at, 'tsconfig.json')) && existsSync(join(at, 'engine'))) return at
      if (dirname(at) === at) break
    }
  }
  throw new Error(
    'Cannot find the sources: no folder above has tsconfig.json and engine, run the tests from the repository',
  )
}

/** Every file below some folders, from the top of the repository. */
export function filesOf(folders: readonly string[]): string[] {
  return folders.flatMap(folder =>
    existsSync(join(TOP, folder))
      ? readdirSync(join(TOP, folder), { recursive: true, withFileTypes: true })
          .filter(entry => entry.isFile())
          .map(entry =>
            posix.join(
              ...join(entry.parentPath, entry.name)
                .slice(TOP.length + 1)
                .split(/[\\/]/),
            ),
          )
      : [],
  )
}

export function readSource(path: string): SourceFile {
  const text = readFileSync(join(TOP, path), 'utf8')
  const code = withoutComments(text)
  return { path, text, code, imports: importsOf(path, code) }
}

/** The line, from 1, of a position in a text. */
export function lineOf(text: string, position: number): number {
  return text.slice(0, position).split('\n').length
}

/** Blanks comments. A `//` counts where space or a line's start is before it, so that URLs in strings stay. */
function withoutComments(text: string): string {
  const blank = (match: string): string => match.replace(/[^\n]/g, ' ')
  return text.replace(/\/\*[\s\S]*?\*\//g, blank).replace(/(?<=^|\s)\/\/.*$/gm, blank)
}

/** `import … from 'x'`, `export … from 'x'` and `import 'x'`; the first group is what stands before `from`. */
const STATEMENT =
  /^[ \t]*(?:(?:import|export)\b((?:\s+type\b)?\s*(?:\*(?:\s+as\s+\w+)?|\w+|(?:\w+\s*,\s*)?\{[^}]*\})\s*)from\s*|import\s*)'([^'\n]+)'/gm
const CALL = /\bimport\(\s*'([^'\n]+)'\s*\)/g

function importsOf(path: string, code: string): Import[] {
  const found: Import[] = []
  const add = (specifier: string, position: number, isTypeOnly: boolean, isDeferred = false): void => {
    const file = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined
    found.push({ specifier, file, line: lineOf(code, position), isTypeOnly, isDeferred })
  }
  for (const match of code.matchAll(STATEMENT)) add(match[2], match.index, isTypeOnly(match[1] ?? ''))
  for (const match of code.matchAll(CALL)) add(match[1], match.index, false, true)
  return found
}

/** `type …`, or braces in which every name says type. */
function isTypeOnly(clause: string): boolean {
  if (/^\s*type\b/.test(clause)) return true
  const names = /^\s*\{([\s\S]*)\}\s*$/
    .exec(clause)?.[1]
    .split(',')
    .filter(name => name.trim() !== '')
  return names?.every(name => /^\s*type\s/.test(name)) ?? false
}
