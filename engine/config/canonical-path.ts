// Visible ASCII, the path part of RFC 3986 and what people send anyway; no blanks, no fragment.
export const PATH = /^\/[!-~]*$/

const END = /[?#]/
const DOUBTFUL = /%(?:2f|5c|00|[^0-9a-f]|.[^0-9a-f]|.?$)|[\\\0]/i
const PLAIN = /^[^%\\]*$/
const DOTS = /\/\.{1,2}(?:\/|$)/
const RAW_DOTS = /\/(?:\.|%2e){1,2}(?:\/|$)/i

const [QUESTION_MARK, HASH, PERCENT, BACKSLASH, DOT, SLASH] = [63, 35, 37, 92, 46, 47]

/** The path of a target with escapes decoded once and dot segments resolved; empty where that is ambiguous. */
export function canonicalPath(target: string): string {
  // Nearly every path is in canonical form, and one look at its characters tells.
  let end = 0
  for (; end < target.length; end++) {
    const character = target.charCodeAt(end)
    if (character === QUESTION_MARK || character === HASH) return target.slice(0, end)
    const mayBeDots = character === DOT && target.charCodeAt(end - 1) === SLASH
    if (mayBeDots || character === PERCENT || character === BACKSLASH) return canonicalForm(pathOf(target))
  }
  return target
}

function canonicalForm(written: string): string {
  const path = decodePath(written)
  return DOTS.test(path) ? resolveDots(path, PLAIN_SPELLING) : path
}

/** A path with its escapes decoded once; empty where it can be read in two ways. */
export function decodePath(path: string): string {
  if (PLAIN.test(path)) return path
  if (DOUBTFUL.test(path)) return ''
  return path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** What comes before the query of a target, as it is written. */
export function pathOf(target: string): string {
  const end = target.search(END)
  return end < 0 ? target : target.slice(0, end)
}

/** Whether a path has a segment that is a dot or two, in whatever spelling. */
export function hasDots(path: string): boolean {
  return RAW_DOTS.test(path)
}

/** A path with its dot segments resolved and every other byte of it as it was. Its canonical form is the same. */
export function withoutDots(path: string): string {
  return RAW_DOTS.test(path) ? resolveDots(path, RAW_SPELLING) : path
}

const PLAIN_SPELLING = (segment: string): string => segment
const RAW_SPELLING = (segment: string): string => (segment.length <= 6 ? segment.replace(/%2e/gi, '.') : segment)

function resolveDots(path: string, spelling: (segment: string) => string): string {
  const kept: string[] = []
  const segments = path.slice(1).split('/')
  segments.forEach((written, position) => {
    const segment = spelling(written)
    const isLast = position === segments.length - 1
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(written)
    if (isLast && (segment === '.' || segment === '..')) kept.push('')
  })
  return `/${kept.join('/')}`
}
