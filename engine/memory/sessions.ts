import { leftOf, saltOf, seal } from './affinity.ts'
import { mix } from './facts.ts'
import { avalanche, avalancheBack } from './hash-key.ts'
import {
  AFFINITY_IS_USED,
  AFFINITY_SET_WORDS,
  AFFINITY_TICKET,
  AFFINITY_UNTIL_MS,
  AFFINITY_WAYS,
  GENERATION,
  type Layout,
  ROW_WORDS,
  SERVICE,
} from './layout.ts'
import type { Region } from './region.ts'
import { generationOfTicket, rowOfTicket, ticketOf } from './ticket.ts'

/**
 * Sessions on their way from one region into another. There the rows are others, the clock is, and so is the salt of their keys.
 *
 *   one region ──▶ [ name │ endpoint │ left ms │ is used ] … ──▶ another region
 *
 *   key  = avalanche(name ^ salt of region and service)         name: what is the same in every region. Both steps can be undone
 *
 * `endpoint` is a number that the caller gives each row.
 */
const WORDS = 4

/** All sessions that are at one of these rows now. `endpoints` gives the number of a row; below 0: left out. */
export function readSessions(region: Region, endpoints: Int32Array, nowMs: number): Int32Array {
  const { words, layout } = region
  const found: number[] = []
  for (let entry = 0; entry < layout.affinity; entry++) {
    const at = placeOf(layout, entry)
    const ticket = words[at + AFFINITY_TICKET]
    if (ticket === 0) continue
    const leftMs = leftOf(words[at + AFFINITY_UNTIL_MS], nowMs)
    const row = rowOfTicket(ticket)
    const rowAt = layout.endpointsAt + row * ROW_WORDS
    if (leftMs <= 0 || endpoints[row] < 0 || words[rowAt + GENERATION] !== generationOfTicket(ticket)) continue
    const key = words[at] ^ seal(ticket)
    found.push(
      avalancheBack(key) ^ saltOf(region, words[rowAt + SERVICE]),
      endpoints[row],
      leftMs,
      words[at + AFFINITY_IS_USED],
    )
  }
  return Int32Array.from(found)
}

/**
 * Puts them into a region that has none yet, `agoMs` after they were read. `rows` gives the row of an endpoint's number; below 0: it
 * is not there any more, and its sessions begin anew. Where a set is full the rest of it is left out.
 */
export function writeSessions(
  region: Region,
  sessions: Int32Array,
  rows: Int32Array,
  nowMs: number,
  agoMs: number,
): void {
  const { words, layout } = region
  const sets = layout.affinity / AFFINITY_WAYS
  if (sets === 0) return
  for (let i = 0; i + WORDS <= sessions.length; i += WORDS) {
    const [name, endpoint, leftMs, isUsed] = sessions.subarray(i, i + WORDS)
    const row = rows[endpoint] ?? -1
    if (row < 0 || leftMs <= agoMs) continue
    const rowAt = layout.endpointsAt + row * ROW_WORDS
    const key = avalanche(name ^ saltOf(region, words[rowAt + SERVICE]))
    const set = layout.affinityAt + (key & (sets - 1)) * AFFINITY_SET_WORDS
    for (let at = set; at < set + AFFINITY_WAYS; at++) {
      if (words[at + AFFINITY_TICKET] !== 0) continue
      const ticket = ticketOf(row, words[rowAt + GENERATION])
      words[at + AFFINITY_UNTIL_MS] = (nowMs + leftMs - agoMs) | 0
      words[at + AFFINITY_IS_USED] = isUsed
      words[at + AFFINITY_TICKET] = ticket
      words[at] = key ^ seal(ticket)
      break
    }
  }
}

/** A number that is another when a session came or moved; goes on from `hash`. */
export function markOfSessions(region: Region, hash: number): number {
  const { words, layout } = region
  let mark = hash
  for (let entry = 0; entry < layout.affinity; entry++) {
    const at = placeOf(layout, entry)
    if (words[at + AFFINITY_TICKET] !== 0) mark = mix(mix(mark, words[at]), words[at + AFFINITY_TICKET])
  }
  return mark
}

/** The word index of an entry, counted through all sets. */
function placeOf({ affinityAt }: Layout, entry: number): number {
  return affinityAt + Math.floor(entry / AFFINITY_WAYS) * AFFINITY_SET_WORDS + (entry % AFFINITY_WAYS)
}
