import type { ForwardingRoute } from '../../config/schema.ts'
import { PathChange } from './path-change.ts'

/** What is sent in the place of what was asked for. */
export class Rewrite {
  /** The Host that is sent; undefined where it is sent as it came. */
  readonly host: string | undefined
  readonly #path: PathChange

  /** `matched` is the match.path of the route. */
  constructor(rewrite: NonNullable<ForwardingRoute['rewrite']>, matched: string | undefined) {
    this.host = rewrite.host
    this.#path = new PathChange(rewrite, matched)
  }

  target(target: string): string {
    return this.#path.target(target)
  }
}
