// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment look like that.
import type { Reading } from './leaf.ts'
import type { Finding, Path } from './problems.ts'
import { show } from './wording.ts'

/** The environment values are taken from: `process.env` or a map of the same shape. */
export type Environment = Record<string, string | undefined>

/** Deeper nesting than this is no config of ours, and would exhaust the stack of whoever walks it. */
export const DEPTH_MAX = 64

// Names that reach an object's prototype when they are used as keys without care.
const FORBIDDEN_KEYS = ['__proto__', 'constructor', 'prototype']

const REFERENCE = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?/g

/**
 * Puts values of the environment into a text.
 *
 *   ${NAME}            the value; a name that is not set is a fault
 *   ${NAME:-default}   the value, or the default where the name is not set or empty
 *   $${                the two characters ${ themselves
 *
 * One pass: what a value brings is never read again, so a value cannot refer to another.
 */
export function interpolateText(text: string, env: Environment): Reading<string> {
  if (!text.includes('${')) return { value: text }
  let fault: string | undefined
  const value = text.replace(REFERENCE, (written, name: string | undefined, otherwise: string | undefined) => {
    if (written === '$${') return '${'
    if (name === undefined) {
      fault ??= `${show(text)} has a reference that cannot be read; write \${NAME} or \${NAME:-default}, or $\${ for the characters themselves`
      return written
    }
    const found = Object.hasOwn(env, name) ? env[name] : undefined
    if (otherwise !== undefined) return found === undefined || found === '' ? otherwise : found
    if (found === undefined) fault ??= `the environment has no ${name}; set it, or write \${${name}:-default}`
    return found ?? written
  })
  return fault === undefined ? { value } : { fault }
}

/** The inverse for a text that is meant literally. */
export function escapeReferences(text: string): string {
  // A function, for in a replacement text `$$` would mean one dollar.
  return text.replaceAll('${', () => '$${')
}

/**
 * A copy of plain data in which every string value has been interpolated. Keys are copied as they are. Keys that reach
 * a prototype, and values that no text could hold, are left out and reported; so the copy is plain all the way down.
 * Without an environment texts are taken as they are: what comes in over an API must not read ours.
 */
export function interpolateTree(
  tree: unknown,
  env: Environment | undefined,
  report: (finding: Finding) => void,
): unknown {
  const open = new Set<object>()
  return copy(tree, [])

  function copy(value: unknown, path: Path): unknown {
    if (typeof value === 'string') {
      if (env === undefined) return value
      const reading = interpolateText(value, env)
      if ('value' in reading) return reading.value
      report({ path, message: reading.fault })
      return value
    }
    if (value === null || typeof value === 'number' || typeof value === 'boolean' || value === undefined) return value
    if (path.length > DEPTH_MAX) {
      report({ path, message: `nested deeper than ${DEPTH_MAX} levels; write it flatter` })
      return null
    }
    if (Array.isArray(value) || isPlainObject(value)) {
      if (open.has(value)) {
        report({ path, message: 'contains itself; write the value out' })
        return null
      }
      open.add(value)
      const copied = Array.isArray(value) ? copyList(value, path) : copyMap(value, path)
      open.delete(value)
      return copied
    }
    report({
      path,
      message: 'not plain data; write texts, numbers, true, false, lists and maps',
    })
    return null
  }

  function copyList(list: unknown[], path: Path): unknown[] {
    return Array.from(list, (each, index) => copy(each, [...path, index]))
  }

  function copyMap(map: Record<string, unknown>, path: Path): Record<string, unknown> {
    const copied: Record<string, unknown> = {}
    for (const key of Object.keys(map)) {
      if (FORBIDDEN_KEYS.includes(key)) {
        report({ path: [...path, key], message: 'a key of this name is refused; choose another', isOnKey: true })
      } else if (map[key] !== undefined) {
        copied[key] = copy(map[key], [...path, key])
      }
    }
    return copied
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  // A map made in another realm (a vm context, a test runner) has a prototype of its own that ends there.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
