import { canonicalPath } from '../config/canonical-path.ts'
import { hostName } from './target.ts'

export interface Route<Lane> {
  /** Lower case, without port; undefined takes every host. */
  readonly host: string | undefined
  readonly path: string | undefined
  readonly lane: Lane
}

/**
 * Which requests go where: the first route that matches wins.
 *
 * host: the same name, without regard to case and port. path: what the path of the request begins with, as it is written
 * and nothing more clever: "/v1/" takes "/v1/a" but not "/v1", and "/v1" takes "/v1", "/v1/a" and also "/v10".
 *
 * Paths are compared in canonical form, so that "/%61dmin/" or "/x/../admin/" cannot slip past the route of "/admin/".
 * A path that can be read in two ways (an encoded slash, backslash or NUL, a broken escape) matches no path at all, only
 * routes without one. What is sent upstream is always the target as it came.
 */
export class RouteTable<Lane> {
  readonly #routes: readonly Route<Lane>[]
  /** The lane of everything, where the first route takes everything. */
  readonly #catchAll: Lane | undefined

  constructor(routes: readonly Route<Lane>[]) {
    this.#routes = routes
    const first = routes[0]
    this.#catchAll =
      first !== undefined && first.host === undefined && first.path === undefined ? first.lane : undefined
  }

  find(host: string, target: string): Lane | undefined {
    if (this.#catchAll !== undefined) return this.#catchAll
    const name = hostName(host)
    let path: string | undefined
    for (const route of this.#routes) {
      if (route.host !== undefined && route.host !== name) continue
      if (route.path === undefined) return route.lane
      path ??= canonicalPath(target)
      if (path.startsWith(route.path)) return route.lane
    }
    return undefined
  }
}
