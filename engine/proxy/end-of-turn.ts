/** Who has put something off. */
export interface Waiting {
  onEndOfTurn(): void
}

let waiting: Waiting[] = []

/**
 * Has it go on when this turn of the event loop has read what had arrived: it may have company then, or be superfluous. All that wait
 * share one immediate; it is called once for each time it was handed in.
 */
export function atEndOfTurn(one: Waiting): void {
  if (waiting.push(one) === 1) setImmediate(endTurn)
}

function endTurn(): void {
  const ready = waiting
  waiting = []
  for (const one of ready) one.onEndOfTurn()
}
