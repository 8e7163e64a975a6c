/** Words longer than this are not compared: nobody mistypes a known key of twenty letters into a paragraph. */
const LONGEST = 64

/**
 * The candidate a person most likely meant by `word`, or undefined where none is near. Case, `-` and `_` are no
 * difference, so that `health-check` finds `healthCheck`; otherwise one edit in three letters is forgiven.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > LONGEST) return undefined
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const distance = editDistance(plain(word), plain(candidate))
    const forgiven = Math.max(1, Math.floor(Math.min(word.length, candidate.length) / 3))
    if (distance <= forgiven && distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, '')
}

/**
 * How many letters have to be added, dropped, changed or swapped with their neighbour to turn one word into the other
 * (optimal string alignment). Takes time and space in the product of the lengths.
 */
export function editDistance(from: string, to: string): number {
  const width = to.length + 1
  const rows = new Uint16Array((from.length + 1) * width)
  for (let i = 0; i <= from.length; i++) rows[i * width] = i
  for (let j = 0; j <= to.length; j++) rows[j] = j
  for (let i = 1; i <= from.length; i++) {
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1] === to[j - 1]
      const changed = rows[(i - 1) * width + j - 1]! + (isSame ? 0 : 1)
      let least = Math.min(changed, rows[(i - 1) * width + j]! + 1, rows[i * width + j - 1]! + 1)
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        least = Math.min(least, rows[(i - 2) * width + j - 2]! + 1)
      }
      rows[i * width + j] = least
    }
  }
  return rows[from.length * width + to.length]!
}
