/** The list with one more at its end; the oldest leave when there are more than `max`. */
export function appended<T>(list: readonly T[], item: T, max: number): readonly T[] {
  return list.length < max ? [...list, item] : [...list.slice(list.length - max + 1), item]
}
