/** Calls between two looks at the heap: few enough that the garbage of one look seldom begins a collection. */
const CALLS = 2000
const LOOKS = 101

/**
 * How many bytes a call leaves on the heap. What is used of it is looked at before and after 2,000 calls, a hundred times; the middle is
 * what they make, for a collection falls into few of them and compiled code is made in the first. A look makes some garbage itself: what it
 * makes around nothing is subtracted. The smallest object there is, 12 bytes in one of a hundred calls, shows as 0.1.
 */
export function bytesPerCall(batch: (times: number) => void): number {
  const nothing = middle(() => {})
  const calls = middle(() => batch(CALLS))
  return Math.max(0, calls - nothing) / CALLS
}

function middle(act: () => void): number {
  const grown = new Float64Array(LOOKS)
  for (let look = 0; look < LOOKS; look++) {
    const before = process.memoryUsage().heapUsed
    act()
    grown[look] = process.memoryUsage().heapUsed - before
  }
  return grown.sort()[LOOKS >> 1]!
}
