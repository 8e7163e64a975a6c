import { type Member, sumUnits, weightUnits } from './member.ts'

/**
 * How often each member is taken in one period of a schedule.
 *
 *   turns(m) = units(m) ÷ gcd of all units            weights 1 and 1.5 are 256 and 384 units: 2 and 3 turns
 *   period   = sum of turns
 *
 * A period above 65,536 turns is made to fit. Members that would have less than one turn in 65,536 have one; the rest of the
 * turns is shared by the others in proportion, whole turns first and what is left to the largest remainders (Hamilton's
 * method): each is less than one turn, 1 ÷ 65,536, away from its share of that rest.
 */
export interface Turns {
  /** Of each member, in the order in which they were handed in. */
  readonly turns: Float64Array
  readonly period: number
  /** The weights in units as handed in, or the turns where the period had to be made to fit. */
  readonly weights: Float64Array
}

/** Entries of the longest schedule: 128 KB, the second-level cache of one core holds it. Every member fits once. */
export const PERIOD_MAX = 65_536

export function turnsOf(members: readonly Member[]): Turns {
  const units = weightUnits(members)
  const turns = reduced(units)
  const period = sumUnits(turns)
  if (period <= PERIOD_MAX) return { turns, period, weights: units }
  const fitted = reduced(fit(units))
  return { turns: fitted, period: sumUnits(fitted), weights: fitted }
}

/** Divided by their greatest common divisor. */
function reduced(units: Float64Array): Float64Array {
  let divisor = 0
  for (const unit of units) {
    let rest = unit
    while (rest > 0) [divisor, rest] = [rest, divisor % rest]
  }
  return units.map(unit => unit / divisor)
}

/** PERIOD_MAX turns shared in proportion to the units, one at least. */
function fit(units: Float64Array): Float64Array {
  const turns = new Float64Array(units.length)
  const ascending = Float64Array.from(units, (_, index) => index).sort((a, b) => units[a]! - units[b]! || a - b)
  let left = PERIOD_MAX
  let rest = sumUnits(units)
  let light = 0
  for (; units[ascending[light]!]! * left < rest; light++) {
    const index = ascending[light]!
    turns[index] = 1
    left--
    rest -= units[index]!
  }
  const heavy = ascending.subarray(light)
  const remainders = new Float64Array(units.length)
  let given = 0
  for (const index of heavy) {
    // Below 2^31 × 2^16, and the remainder of whole numbers is exact: no quotient is ever rounded up to a turn too many.
    const product = units[index]! * left
    remainders[index] = product % rest
    turns[index] = (product - remainders[index]!) / rest
    given += turns[index]!
  }
  heavy.sort((a, b) => remainders[b]! - remainders[a]! || a - b)
  for (let i = 0; given < left; i++, given++) turns[heavy[i]!]!++
  return turns
}
