/** What a route does to a raw header array [name, value, name, value, …]: takes names out, then puts fields at its end. */
export class HeaderEdits {
  readonly #removed: ReadonlySet<string>
  readonly #added: readonly string[]

  private constructor(removed: ReadonlySet<string>, added: readonly string[]) {
    this.#removed = removed
    this.#added = added
  }

  /** Undefined where nothing is to be done, so that nothing is. */
  static of(written: Edits | undefined): HeaderEdits | undefined {
    if (written === undefined) return undefined
    const { set, add, remove } = written
    const removed = new Set([...remove, ...Object.keys(set)].map(name => name.toLowerCase()))
    const added = [...Object.entries(set), ...Object.entries(add)].flat()
    return removed.size + added.length === 0 ? undefined : new HeaderEdits(removed, added)
  }

  /** Changes the array in place. */
  apply(headers: string[]): void {
    if (this.#removed.size > 0) {
      let kept = 0
      for (let i = 0; i < headers.length; i += 2) {
        if (this.#removed.has(headers[i].toLowerCase())) continue
        headers[kept++] = headers[i]
        headers[kept++] = headers[i + 1]
      }
      headers.length = kept
    }
    for (const text of this.#added) headers.push(text)
  }
}

/** As the config has them. */
interface Edits {
  readonly set: Readonly<Record<string, string>>
  readonly add: Readonly<Record<string, string>>
  readonly remove: readonly string[]
}
