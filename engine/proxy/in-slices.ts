/** So long a turn of the loop may be held up, in ms … */
const SLICE_MS = 1
/** … and so long it is left alone afterwards. */
const PAUSE_MS = 3

/**
 * Calls `step` until it says that nothing is left to do, a little at a time: when hundreds are given up at one moment, all others
 * must not wait for it. One request takes some turns of the loop, so that it is not enough to let go of each turn.
 */
export function inSlices(step: () => boolean): void {
  const startedAt = performance.now()
  while (step()) {
    if (performance.now() - startedAt < SLICE_MS) continue
    setTimeout(inSlices, PAUSE_MS, step)
    return
  }
}
