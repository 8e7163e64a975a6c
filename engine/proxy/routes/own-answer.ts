import type { AnsweringRoute, RouteConfig } from '../../config/schema.ts'
import type { Reply } from '../message/reply.ts'
import { Redirect } from './redirect.ts'

/** What a route answers by itself. */
export interface OwnAnswer {
  /** `host` is the host of the request with its port, `path` its target without scheme and authority. */
  reply(host: string, path: string, isSecure: boolean): Reply
}

export function ownAnswerOf({
  match,
  redirect,
  respond,
}: Pick<RouteConfig, 'match' | 'redirect' | 'respond'>): OwnAnswer | undefined {
  if (redirect !== undefined) return new Redirect(redirect, match.path)
  return respond === undefined ? undefined : new Respond(respond)
}

const NO_CONTENT = 204
const NOT_MODIFIED = 304

/** The same answer to everybody. */
class Respond implements OwnAnswer {
  readonly #reply: Reply

  constructor({ status, body, contentType, headers }: NonNullable<AnsweringRoute['respond']>) {
    // One byte a character: that is how it leaves, in one write with its header.
    const bytes = Buffer.from(body).toString('latin1')
    const fields = Object.entries(headers).flat()
    if (body !== '') fields.push('Content-Type', contentType)
    if (status !== NO_CONTENT && status !== NOT_MODIFIED) fields.push('Content-Length', String(bytes.length))
    this.#reply = { reason: 'respond', status, headers: fields, body: bytes }
  }

  reply(): Reply {
    return this.#reply
  }
}
