import type { IncomingMessage } from 'node:http'
import { canonicalPath } from '../../config/canonical-path.ts'
import type { RouteMatch } from '../../config/schema.ts'
import { hostName } from '../message/target.ts'
import { Route } from './route-match.ts'

/** What of a request is looked at beside its host and its path. */
export type Asked = Pick<IncomingMessage, 'method' | 'headers'>

/**
 * Which requests go where: the first route that matches wins. See route-match.ts for what a route can ask for.
 *
 * Routes that name a host are found by it; between them stand, in their order, those that are for many:
 *
 *   many      0 ─── 1 ─────────── 4           any host, or *.example.com
 *   a.example       ╵──── 2 ── 3 ─┘           2 and 3 know that two of the many come before them
 *
 * Paths are compared in canonical form, so that "/%61dmin/" or "/x/../admin/" cannot slip past the route of "/admin/".
 * A path that can be read in two ways (an encoded slash, backslash or NUL, a broken escape) matches no path at all, only
 * routes without one.
 */
export class RouteTable<To> {
  readonly #many: Route<To>[] = []
  readonly #byHost = new Map<string, OwnRoute<To>[]>()
  readonly #asksHost: boolean
  readonly #asksPath: boolean
  /** Where everything goes, where the first route takes everything. */
  readonly #catchAll: To | undefined

  constructor(routes: readonly { match: RouteMatch; to: To }[]) {
    const all = routes.map(({ match, to }) => new Route(match, to))
    for (const route of all) {
      const { host } = route
      const own = host === undefined ? undefined : this.#byHost.get(host)
      if (host === undefined) this.#many.push(route)
      else if (own === undefined) this.#byHost.set(host, [{ route, before: this.#many.length }])
      else own.push({ route, before: this.#many.length })
    }
    this.#asksHost = all.some(({ host, suffix }) => host !== undefined || suffix !== undefined)
    this.#asksPath = all.some(({ asksPath }) => asksPath)
    this.#catchAll = all[0]?.takesAll === true ? all[0].to : undefined
  }

  /** Where a request goes; undefined where no route takes it. `isSecure` says that it came over TLS. */
  find(host: string, target: string, asked: Asked, isSecure: boolean): To | undefined {
    if (this.#catchAll !== undefined) return this.#catchAll
    const name = this.#asksHost ? hostName(host) : ''
    const path = this.#asksPath ? canonicalPath(target) : ''
    const many = this.#many
    let next = 0
    const own = this.#asksHost ? this.#byHost.get(name) : undefined
    if (own !== undefined) {
      for (const { route, before } of own) {
        for (; next < before; next++) if (many[next].takes(name, path, asked, isSecure)) return many[next].to
        if (route.takes(name, path, asked, isSecure)) return route.to
      }
    }
    for (; next < many.length; next++) if (many[next].takes(name, path, asked, isSecure)) return many[next].to
    return undefined
  }
}

/** A route of one host, and how many of those for many hosts come before it. */
interface OwnRoute<To> {
  readonly route: Route<To>
  readonly before: number
}
