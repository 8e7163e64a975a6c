const DOUBTFUL = /%(?:2f|5c|00|[^0-9a-f]|.[^0-9a-f]|.?$)|[\\\0]/i
const PLAIN = /^[^%\\]*$/
const DOTS = /\/\.{1,2}(?:\/|$)/

/** The path of a target with escapes decoded once and dot segments resolved; empty where that is ambiguous. */
export function canonicalPath(target: string): string {
  const end = target.search(/[?#]/)
  let path = end < 0 ? target : target.slice(0, end)
  if (!PLAIN.test(path)) {
    if (DOUBTFUL.test(path)) return ''
    path = path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  }
  return DOTS.test(path) ? resolveDots(path) : path
}

function resolveDots(path: string): string {
  const kept: string[] = []
  const segments = path.slice(1).split('/')
  segments.forEach((segment, position) => {
    const isLast = position === segments.length - 1
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
    if (isLast && (segment === '.' || segment === '..')) kept.push('')
  })
  return `/${kept.join('/')}`
}
