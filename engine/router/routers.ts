import type { Attachment } from './attachment.ts'
import { Router, type RouterOptions } from './router.ts'

/** The routers of one thread: one for each service and subset, made when it is first asked for. */
export class Routers {
  readonly #attachment: Attachment
  readonly #known = new Map<string, Router>()

  constructor(attachment: Attachment) {
    this.#attachment = attachment
  }

  /** The same one each time for the same service and options. Throws SBX_SERVICE_UNKNOWN. */
  of(service: string, options: RouterOptions = {}): Router {
    const key = JSON.stringify([service, options.subset, options.fallback])
    let router = this.#known.get(key)
    if (router === undefined) this.#known.set(key, (router = new Router(this.#attachment, service, options)))
    return router
  }
}
