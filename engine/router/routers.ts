import type { Attachment } from './attachment.ts'
import { Router, type RouterOptions } from './router.ts'

/** The routers of one thread: one for each service and subset, made when it is first asked for. */
export class Routers {
  readonly #attachment: Attachment
  readonly #known = new Map<string, Router>()

  constructor(attachment: Attachment) {
    this.#attachment = attachment
  }

  /** The same one each time for the same service and options, as long as the service is there. Throws SBX_SERVICE_UNKNOWN. */
  of(service: string, options: RouterOptions = {}): Router {
    const key = JSON.stringify([service, options.subset, options.fallback])
    const known = this.#known.get(key)
    if (known !== undefined && !known.isLost) return known
    this.#forgetLost()
    const router = new Router(this.#attachment, service, options)
    this.#known.set(key, router)
    return router
  }

  /** Services come and go with configs: routers of those that went are let go of whenever a new one is made. */
  #forgetLost(): void {
    for (const [key, router] of this.#known) if (router.isLost) this.#known.delete(key)
  }
}
