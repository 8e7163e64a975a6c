/** Names that are remembered, of each kind of look-up. Bounded: names come from outside. */
const SPELLINGS_MAX = 1024
const NAME_CHARACTERS_MAX = 64

/**
 * A look-up of names that remembers them as they were spelled, so that a name seen before costs one look-up, without lower case. What
 * is below 0 is no name, and is not remembered.
 */
export function bySpelling(learn: (name: string) => number): (name: string) => number {
  const spelled = new Map<string, number>()
  return name => {
    const known = spelled.get(name)
    if (known !== undefined) return known
    const kind = learn(name)
    if (kind >= 0 && spelled.size < SPELLINGS_MAX && name.length <= NAME_CHARACTERS_MAX) spelled.set(name, kind)
    return kind
  }
}
