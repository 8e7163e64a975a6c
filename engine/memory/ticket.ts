/**
 * The receipt between pick and settle, one small integer ≥ 0 that V8 never boxes:
 *
 *   bit   31   30      29 … 16      15 … 0
 *          0   probe   generation   row
 *
 * The generation is that of the row's tenant, so that a settle for one that has left changes nothing. The probe bit says
 * that the request tries an open breaker.
 */
export const PROBE_TICKET = 1 << 30
export const GENERATION_MASK = 0x3fff

export const ticketOf = (row: number, generation: number): number => (generation << 16) | row
export const rowOfTicket = (ticket: number): number => ticket & 0xffff
export const generationOfTicket = (ticket: number): number => (ticket >>> 16) & GENERATION_MASK
export const isProbe = (ticket: number): boolean => (ticket & PROBE_TICKET) !== 0
