import { decodePath } from '../../config/canonical-path.ts'
import { compilePattern, matchesPattern, type PathPattern } from '../../config/path-pattern.ts'
import type { FieldMatch, RouteMatch } from '../../config/schema.ts'
import { own } from './request-key.ts'
import type { Asked } from './routes.ts'

/** What a route asks of a path. */
const ANY = 0
const BEGINNING = 1
const WHOLE = 2
const PATTERN = 3

/**
 * One route, ready to be asked.
 *
 *   host       the same name, without regard to case and port, or any below "*."
 *   path       what the canonical path begins with, as it is written and nothing more clever: "/v1/" takes "/v1/a" but not
 *              "/v1", and "/v1" takes "/v1", "/v1/a" and also "/v10"; or the whole of it, or a pattern of segments
 *   the rest   scheme, method, headers: looked at last, and only where a route asks for one of them
 */
export class Route<To> {
  readonly to: To
  /** The one host it is for; undefined where it is for many. */
  readonly host: string | undefined
  /** What the host ends with, dot included; undefined where it is for one or for all. */
  readonly suffix: string | undefined
  readonly #kind: number
  readonly #path: string
  readonly #pattern: PathPattern | undefined
  readonly #rest: Rest | undefined

  constructor(match: RouteMatch, to: To) {
    const { host, path, exactPath, pathPattern } = match
    this.to = to
    const isWild = host?.startsWith('*.') === true
    this.host = isWild ? undefined : host
    this.suffix = isWild ? host.slice(1) : undefined
    this.#path = decodePath(path ?? exactPath ?? '')
    this.#pattern = pathPattern === undefined ? undefined : compilePattern(pathPattern)
    this.#kind =
      path !== undefined ? BEGINNING : exactPath !== undefined ? WHOLE : pathPattern === undefined ? ANY : PATTERN
    this.#rest = restOf(match)
  }

  get asksPath(): boolean {
    return this.#kind !== ANY
  }

  get takesAll(): boolean {
    return this.host === undefined && this.suffix === undefined && this.#kind === ANY && this.#rest === undefined
  }

  /** Whether a request is for this route. Where it is for one host, that is known to be `name`. */
  takes(name: string, path: string, asked: Asked, isSecure: boolean): boolean {
    const { suffix } = this
    if (suffix !== undefined && (name.length <= suffix.length || !name.endsWith(suffix))) return false
    if (this.#kind !== ANY && !this.#takesPath(path)) return false
    return this.#rest === undefined || holds(this.#rest, asked, isSecure)
  }

  #takesPath(path: string): boolean {
    if (this.#kind === BEGINNING) return path.startsWith(this.#path)
    if (this.#kind === WHOLE) return path === this.#path
    return matchesPattern(this.#pattern as PathPattern, path)
  }
}

/** What a route asks for beside host and path. */
interface Rest {
  readonly isSecure: boolean | undefined
  readonly methods: readonly string[] | undefined
  readonly fields: readonly (readonly [name: string, wanted: FieldMatch])[]
}

function restOf({ scheme, method, headers = {} }: RouteMatch): Rest | undefined {
  const fields = Object.entries(headers).map(([name, wanted]) => [name.toLowerCase(), wanted] as const)
  if (scheme === undefined && method === undefined && fields.length === 0) return undefined
  const methods = method?.includes('GET') ? [...method, 'HEAD'] : method
  return { isSecure: scheme === undefined ? undefined : scheme === 'https', methods, fields }
}

function holds({ isSecure, methods, fields }: Rest, asked: Asked, cameSecure: boolean): boolean {
  if (isSecure !== undefined && isSecure !== cameSecure) return false
  if (methods !== undefined && !methods.includes(asked.method as string)) return false
  for (const [name, wanted] of fields) if (!fits(own(asked.headers, name), wanted)) return false
  return true
}

function fits(value: string | undefined, wanted: FieldMatch): boolean {
  if (typeof wanted === 'boolean') return (value !== undefined) === wanted
  if (value === undefined) return false
  return typeof wanted === 'string' ? value === wanted : value.startsWith(wanted.prefix)
}
