/**
 * How dear a request is, dearest first; what is not said is CRITICAL. When there is too much, the last class goes first.
 *
 * Source  Google, Site Reliability Engineering, chapter 21: criticality.
 */
export const CLASS = {
  /** Its loss is seen by people at once. Shed last. */
  CRITICAL_PLUS: 0,
  /** What everything is by default. */
  CRITICAL: 1,
  /** Can wait some minutes: batch work with somebody waiting. */
  SHEDDABLE_PLUS: 2,
  /** Can be lost and done again. */
  SHEDDABLE: 3,
} as const

export type RequestClass = (typeof CLASS)[keyof typeof CLASS]

/** The words for them in a config, in the same order. */
export const CLASS_NAMES = ['critical-plus', 'critical', 'sheddable-plus', 'sheddable'] as const
export type ClassName = (typeof CLASS_NAMES)[number]
