/**
 * The words by which the director (the test's thread) and the actors (worker threads) pass the turn. One actor runs at
 * a time; all others stand in Atomics.wait before the operation that they would do next.
 *
 *   word                                                                          owner (writes)
 *     0 STOPS         counts the stops of all actors; the director waits here     the actor that runs
 *     1 DEAD          one more than the actor that died in this run; 0: nobody      the director
 *   per actor, from ACTORS + actor × ACTOR_WORDS:
 *     0 TURN          counts its turns; the actor waits here                      the director
 *     1 ORDER         what the turn is for: begin, go on, die              the director
 *     2 GRANT         steps it may take before it stops again                     the director
 *     3 STATE         why it does not run                                         the actor
 *     4 WAIT_INDEX    the word it sleeps at, as Atomics.wait was told             the actor
 *     5 WAIT_VALUE    … and the value it sleeps at                                the actor
 *     6 STEPS         steps taken in this run                                     the actor
 *     7 TEXT_BYTES    length of the error text                                    the actor
 *     8 THREAD        its thread id                                               the actor
 *    16 LOG           per step: operation << 24 | word                            the actor
 *       TEXT          what it failed with                                         the actor
 *   at the end the BOARD: words on which a scenario notes what was seen           the actor that runs
 */
export const STOPS = 0
export const DEAD = 1
export const ACTORS = 16

export const TURN = 0
export const ORDER = 1
export const GRANT = 2
export const STATE = 3
export const WAIT_INDEX = 4
export const WAIT_VALUE = 5
export const STEPS = 6
export const TEXT_BYTES = 7
export const THREAD = 8
export const LOG = 16
export const LOG_WORDS = 4096
export const TEXT = LOG + LOG_WORDS
export const TEXT_BYTES_MAX = 1024
export const ACTOR_WORDS = TEXT + TEXT_BYTES_MAX / 4

export const BOARD_WORDS = 64

export const ORDER_BEGIN = 0
export const ORDER_GO_ON = 1
export const ORDER_DIE = 2

export const STATE_READY = 0
export const STATE_STOPPED = 1
export const STATE_SLEEPS = 2
export const STATE_DONE = 3
export const STATE_FAILED = 4
export const STATE_DEAD = 5

/** Operations as the log names them. */
export const OPERATIONS = [
  'load',
  'store',
  'add',
  'sub',
  'and',
  'or',
  'exchange',
  'compareExchange',
  'notify',
  'wait',
  'plain read',
  'plain write',
] as const
export type Operation = (typeof OPERATIONS)[number]

export const actorAt = (actor: number): number => ACTORS + actor * ACTOR_WORDS
export const boardAt = (actors: number): number => actorAt(actors)

export function createControl(actors: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer((boardAt(actors) + BOARD_WORDS) * 4))
}

/** The words on which a scenario notes what was seen. */
export function boardOf(control: Int32Array, actors: number): Int32Array {
  return control.subarray(boardAt(actors), boardAt(actors) + BOARD_WORDS)
}
