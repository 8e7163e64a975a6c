import { NO_ENDPOINT, type Policy } from './policy.ts'

/**
 * Round robin: the next open endpoint, in order, one turn for all threads.
 *
 *   turn = sequence++      pick the first open row at or after turn mod n
 *
 * Source    folklore. Deviation: one shared sequence, so n threads together are as even as one alone.
 * Reads     bars and pull of one row, as a rule.   Cost  one atomic add, some four plain loads, no dice, no clock.
 * Good for  equal endpoints and equal requests.    Poor for  anything uneven: it sends the slowest as much as the rest;
 *           the endpoint after a barred one gets the barred one's turns.
 */
export const roundRobin: Policy = {
  name: 'round-robin',
  aliases: ['round_robin'],
  summary: 'the next endpoint in order, one turn for all threads',
  isWeighted: false,
  options: {},
  create: () => ({
    pickRow: candidates => {
      const count = candidates.count
      if (count === 0) return NO_ENDPOINT
      let position = candidates.nextTurn() % count
      for (let step = 0; step < count; step++) {
        const row = candidates.at(position)
        if (candidates.isOpen(row)) return row
        if (++position === count) position = 0
      }
      return NO_ENDPOINT
    },
  }),
}
