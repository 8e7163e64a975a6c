import { SignalboxError } from '../../errors.ts'

/** One endpoint of a table: `key` names it (its id), `weight` is its share relative to the others, above 0. */
export interface Member {
  readonly key: string
  readonly weight: number
}

/** A table's entries are 16 bits wide, and one value is kept for "free". */
export const MEMBERS_MAX = 65_535

/** Weights are whole numbers of these: the step in which the endpoint table keeps a weight. */
export const UNITS_PER_WEIGHT = 256

/** 2^31 units: sums over 65,535 members and products with a table's size stay below 2^53, where doubles are exact. */
export const WEIGHT_MAX = 2 ** 23

/**
 * The weights as whole units of 1/256, at least one each; checks the members on the way.
 *
 * @throws SignalboxError SBX_TABLE_INVALID when a table cannot be made of them
 */
export function weightUnits(members: readonly Member[]): Float64Array {
  if (members.length > MEMBERS_MAX) throw invalid(`it has ${members.length} members, hand in ${MEMBERS_MAX} at most`)
  const keys = new Set<string>()
  const units = new Float64Array(members.length)
  members.forEach(({ key, weight }, index) => {
    if (typeof key !== 'string' || key === '') throw invalid(`member ${index} has no key, name it`)
    if (keys.has(key)) throw invalid(`two members have the key "${key}", name each its own way`)
    if (!(weight > 0 && weight <= WEIGHT_MAX)) {
      throw invalid(`member "${key}" has the weight ${weight}, give it one above 0 and up to ${WEIGHT_MAX}`)
    }
    keys.add(key)
    units[index] = Math.max(1, Math.round(weight * UNITS_PER_WEIGHT))
  })
  return units
}

/** The sum of all units: whole and exact, so no order of members changes it. */
export function sumUnits(units: Float64Array): number {
  return units.reduce((sum, unit) => sum + unit, 0)
}

/** How every complaint about a table is made. */
export function invalid(stateAndWish: string): SignalboxError {
  return new SignalboxError('SBX_TABLE_INVALID', `Cannot build table: ${stateAndWish}`)
}
