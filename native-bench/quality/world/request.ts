/** From when it is sent until who sent it has an answer, or has given up. */
export interface Request {
  /** In the order they are sent. */
  readonly number: number
  /** Which router it came to. */
  readonly router: number
  readonly sentMs: number
  /** Who sent it, where callers are counted. */
  readonly caller: number
  /** Where its own chances begin: how much work it is on a machine. */
  readonly seed: number
  /** What it is about, for who goes by that. */
  readonly key: number
  /** What whoever routes it knows it by. */
  ticket: number
  /** Where it was sent; below zero: nowhere. */
  machine: number
  /** Where it stands in the machine's own reckoning. */
  until: number
  /** How many others were there when it came, and how long it was there, ms. */
  insideThen: number
  /** How many others were there when it left. */
  insideAfter: number
  servedMs: number
  arrivedMs: number
  state: RequestState
}

export type RequestState = 'sent' | 'inside' | 'answering' | 'over'
