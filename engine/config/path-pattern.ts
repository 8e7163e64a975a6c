import { decodePath } from './canonical-path.ts'
import type { Reading } from './leaf.ts'
import { show } from './wording.ts'

/**
 * A pattern of whole segments, taken apart:
 *
 *   /users/{id}/posts/{rest...}   ──▶   "/users/"  one segment  "/posts/"  the rest
 *
 * `{x}` takes one segment that is not empty, `{x...}` at the end takes whatever is left, nothing included. There are no
 * other wildcards, so that there is never a choice to come back to: one walk over the path decides.
 */
export interface PathPattern {
  /** Texts in canonical form, with one segment between each and the next. */
  readonly literals: readonly string[]
  /** Whatever comes after the last text is taken too. */
  readonly hasRest: boolean
}

/** As much of a string as a match reads. */
export interface PathText {
  readonly length: number
  charCodeAt(at: number): number
}

const SLASH = 47

/** Whether the pattern takes a canonical path. Reads each character twice at most, wherever it fails. */
export function matchesPattern({ literals, hasRest }: PathPattern, path: PathText): boolean {
  let at = 0
  for (let i = 0; i < literals.length; i++) {
    if (i > 0) {
      const start = at
      while (at < path.length && path.charCodeAt(at) !== SLASH) at++
      if (at === start) return false
    }
    const literal = literals[i]
    if (path.length - at < literal.length) return false
    for (let j = 0; j < literal.length; j++, at++) {
      if (path.charCodeAt(at) !== literal.charCodeAt(j)) return false
    }
  }
  return hasRest || at === path.length
}

/** A pattern that `readPathPattern` has found right. */
export function compilePattern(text: string): PathPattern {
  const hasRest = REST.test(text)
  const literals = text.replace(REST, '').split(/\{[^}]*\}/)
  return { literals: literals.map(decodePath), hasRest }
}

const REST = /\{[^}]*\.\.\.\}$/
const CAPTURE = /^\{([A-Za-z_][A-Za-z0-9_]*)(\.\.\.)?\}$/

/** What is wrong with the captures of a pattern, or the pattern as it is written. */
export function readCaptures(text: string): Reading<string> {
  const names = new Set<string>()
  const segments = text.split('/')
  for (const [position, segment] of segments.entries()) {
    if (!/[{}]/.test(segment)) continue
    const found = CAPTURE.exec(segment)
    if (found === null) {
      return {
        fault: `${show(text)} has ${show(segment)}, which is no segment of a pattern; write {name} between slashes, or {name...} at the end`,
      }
    }
    const [, name, dots] = found
    if (names.has(name)) return { fault: `${show(text)} has {${name}} twice; give each a name of its own` }
    names.add(name)
    if (dots !== undefined && position < segments.length - 1) {
      return { fault: `${show(text)} goes on after {${name}...}, which takes all that is left; write it last` }
    }
  }
  if (names.size > 0) return { value: text }
  return { fault: `${show(text)} has no {name}; write it as exactPath, or as path where it is a beginning` }
}
