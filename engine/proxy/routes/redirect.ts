import { isPlainHost } from '../../config/route-texts.ts'
import type { AnsweringRoute } from '../../config/schema.ts'
import { type Reply, replyFor } from '../message/reply.ts'
import { hostName } from '../message/target.ts'
import type { OwnAnswer } from './own-answer.ts'
import { PathChange } from './path-change.ts'

const DEFAULT_PORTS = { http: 80, https: 443 } as const

/**
 * Sends the downstream elsewhere: on the same origin, or on one that the route names, in whole or in part.
 *
 *   path or prefix alone         /new/path?query                      no origin in it, so it stays on this one
 *   scheme, host or port         https://www.example:8443/path?query  what is not written comes from the request
 *
 * What the request says cannot lead to another origin. Where no origin stands before it, a path begins with exactly one
 * slash: "//evil.example" and "/\evil.example" would be read as a host. Where the host of the request is put in, it must
 * be an ordinary one. A byte that no target may have is answered with 400, not passed on.
 */
export class Redirect implements OwnAnswer {
  readonly #written: NonNullable<AnsweringRoute['redirect']>
  readonly #path: PathChange
  readonly #isRelative: boolean

  constructor(redirect: NonNullable<AnsweringRoute['redirect']>, matched: string | undefined) {
    const { scheme, host, port } = redirect
    this.#written = redirect
    this.#path = new PathChange(redirect, matched)
    this.#isRelative = scheme === undefined && host === undefined && port === undefined
  }

  reply(host: string, path: string, isSecure: boolean): Reply {
    if (!/^[!-~]*$/.test(path)) return replyFor('bad-request')
    const target = this.#path.target(path)
    if (this.#isRelative) return this.#to(target.replace(/^[/\\]+/, '/'))
    const {
      scheme = isSecure ? 'https' : 'http',
      host: name = hostName(host),
      port = DEFAULT_PORTS[scheme],
    } = this.#written
    if (!isPlainHost(name)) return replyFor('bad-host')
    const origin = port === DEFAULT_PORTS[scheme] ? `${scheme}://${name}` : `${scheme}://${name}:${port}`
    return this.#to(origin + target)
  }

  #to(location: string): Reply {
    const headers = ['Location', location, 'Content-Length', '0']
    return { reason: 'redirect', status: this.#written.status, headers, body: '' }
  }
}
