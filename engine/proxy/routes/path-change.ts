import { decodePath, pathOf, withoutDots } from '../../config/canonical-path.ts'

/**
 * What takes the place of a path, or of the part of it that a route matched. The query stays as it came, byte for byte,
 * and so does every byte of the path that is not replaced.
 *
 * A route matches the canonical path, so what is replaced may be spelled otherwise: "/%61pi/" is "/api/". Dot segments
 * are resolved before the beginning is replaced; "/api/x/../../secret" would else be led out of the new beginning.
 */
export class PathChange {
  readonly #path: string | undefined
  readonly #prefix: string | undefined
  /** Characters of the canonical path that the prefix takes the place of. */
  readonly #matched: number

  /** `matched` is the match.path of the route. */
  constructor(change: { path?: string | undefined; prefix?: string | undefined }, matched: string | undefined) {
    this.#path = change.path
    this.#prefix = change.prefix
    this.#matched = decodePath(matched ?? '').length
  }

  /** A target that the route took, changed. */
  target(target: string): string {
    if (this.#path === undefined && this.#prefix === undefined) return target
    const path = pathOf(target)
    const changed = this.#path ?? this.#prefix + restAfter(path, this.#matched)
    return changed + target.slice(path.length)
  }
}

const PERCENT = 37

/** What of a path comes after so many characters of its canonical form, which are known to be there. */
function restAfter(written: string, characters: number): string {
  const path = withoutDots(written)
  let at = 0
  // An escape that is no escape is in no path that a route could match: three characters are one.
  for (let n = 0; n < characters; n++) at += path.charCodeAt(at) === PERCENT ? 3 : 1
  return path.slice(at)
}
