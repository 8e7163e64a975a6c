/**
 * What the config format has a place for and this version does not do yet. Writing such a key is refused rather than
 * ignored, unless the value asks for just what this version does. A version that builds one of these deletes its line.
 *
 * `*` stands for any one key or index.
 */
const COMING: readonly { key: string; same?: (written: unknown) => boolean }[] = [{ key: 'cluster', same: isEmptyMap }]

/**
 * Takes every coming key out of a plain tree, in place, and tells `refuse` about those that ask for something this
 * version does not do.
 */
export function takeComing(tree: unknown, refuse: (path: (string | number)[], message: string) => void): void {
  for (const { key, same } of COMING) {
    const steps = key.split('.')
    const last = steps.pop()!
    for (const [path, holder] of matches(tree, steps)) {
      if (!Object.hasOwn(holder, last)) continue
      const written = holder[last]
      delete holder[last]
      if (!same?.(written)) refuse([...path, last], 'not available in this version; remove it')
    }
  }
}

/** Every map under `tree` that the steps lead to, with its path. */
function matches(tree: unknown, steps: string[]): [(string | number)[], Record<string, unknown>][] {
  let found: [(string | number)[], unknown][] = [[[], tree]]
  for (const step of steps) {
    found = found.flatMap(([path, value]) =>
      children(value)
        .filter(([key]) => step === '*' || key === step)
        .map(([key, child]): [(string | number)[], unknown] => [[...path, key], child]),
    )
  }
  return found.filter((entry): entry is [(string | number)[], Record<string, unknown>] => isMap(entry[1]))
}

function children(value: unknown): [string | number, unknown][] {
  if (Array.isArray(value)) return [...value.entries()]
  return isMap(value) ? Object.entries(value) : []
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isEmptyMap(written: unknown): boolean {
  return isMap(written) && Object.keys(written).length === 0
}
