/** What can be wrong between us and an endpoint, beside what the system itself says: refused, reset, no route. */
export type Flaw =
  /** No connection in time. */
  | 'connect-timeout'
  /** It closed the connection, or left the protocol. */
  | 'closed'
  /** It has certainly not begun with the request. */
  | 'not-processed'
  /** The time for the head of its answer is over. */
  | 'silent'
  /** The time between two pieces of its answer is over. */
  | 'stalled'
  /** What it says is no answer. */
  | 'bad-answer'
  /** The request cannot be said in its protocol. */
  | 'bad-request'

/** A request failed at its endpoint. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly flaw: Flaw

  constructor(flaw: Flaw, message: string) {
    super(message)
    this.flaw = flaw
  }
}

export function noAnswer(ms: number): UpstreamError {
  return new UpstreamError('silent', `No answer came within ${ms} ms`)
}

export function noMore(ms: number): UpstreamError {
  return new UpstreamError('stalled', `No more of the answer came for ${ms} ms`)
}
