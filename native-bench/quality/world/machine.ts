import type { Request } from './request.ts'

/**
 * Where requests are worked on. It is moved from one moment at which something happens to the next; between them nothing changes but work that
 * is done.
 */
export interface Machine {
  /** Requests that are there. */
  readonly inside: number
  /** When its next one is over, if nothing changes; never: infinite. */
  readonly nextMs: number
  /** Share of requests it answers at once, with an error. */
  failing: number
  /** Work that is done in a ms: 1 by itself, less where others have a share of it. */
  readonly speed: number
  setSpeed(speed: number, nowMs: number): void
  begin(request: Request, work: number, nowMs: number): void
  /** The one that is over at `nextMs`. */
  finish(nowMs: number): Request
  /** Nobody waits for it any more, and it does not go on. */
  withdraw(request: Request, nowMs: number): void
  /** When so much work would be done that came at `nowMs` after those that are on their way, with theirs, if nobody else did. */
  whenDone(work: number, nowMs: number, coming: readonly number[]): number
  /** Used share of it since this was last asked, so many ms ago, with what others on it take. */
  takeUtilisation(sinceMs: number, nowMs: number): number
}
