import { randomFillSync } from 'node:crypto'
import type { RequestHead } from '../message/headers.ts'

/**
 * A name for each request, the same in the header the upstream gets, in the log and in the response. One that a trusted
 * peer gave is taken over; what anybody else sent is replaced, or a stranger could make his requests look like another's.
 */

const NAME = 'X-Request-Id'
/** Visible ASCII, and no longer than a line of a log can bear. */
const GOOD = /^[!-~]{1,128}$/

/** Settles the id of a request, in its headers too. */
export function settleRequestId(head: RequestHead, isTrusted: boolean): string {
  const { headers, requestIdAt: at } = head
  if (head.requestIds === 1) {
    if (isTrusted && GOOD.test(headers[at + 1])) return headers[at + 1]
    return (headers[at + 1] = newRequestId(Date.now()))
  }
  if (head.requestIds > 1) withdraw(head)
  const id = newRequestId(Date.now())
  headers.push(NAME, id)
  return id
}

/** Two ids are none. */
function withdraw({ headers }: RequestHead): void {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (headers[i].toLowerCase() === 'x-request-id') headers.splice(i, 2)
  }
}

/** Gives a response the id of its request, in place of one the upstream may have named. */
export function giveRequestId(headers: string[], id: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i].length === NAME.length && headers[i].toLowerCase() === 'x-request-id') {
      headers[i + 1] = id
      return
    }
  }
  headers.push(NAME, id)
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
/** Random bytes of an id; bytes are drawn for 512 ids at once, a system call for each would cost more than all the rest. */
const ID_BYTES = 10
const pool = Buffer.alloc(512 * ID_BYTES)
let used = pool.length

/** The part of an id that the time makes, kept as long as the millisecond lasts. */
let stampMs = -1
let stamp = ''

/**
 * A UUID of version 7 (RFC 9562): 48 bits of time, so that ids of a log sort by age, and 74 random ones.
 *
 *   tttttttt-tttt-7rrr-Vrrr-rrrrrrrrrrrr        V: 8 to b
 */
export function newRequestId(timeMs: number): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  if (timeMs !== stampMs) {
    stampMs = timeMs
    const hex = timeMs.toString(16).padStart(12, '0')
    stamp = `${hex.slice(0, 8)}-${hex.slice(8)}-7`
  }
  const at = used
  used += ID_BYTES
  return (
    stamp +
    HEX[pool[at]][0] +
    HEX[pool[at + 1]] +
    '-' +
    HEX[(pool[at + 2] & 0x3f) | 0x80] +
    HEX[pool[at + 3]] +
    '-' +
    HEX[pool[at + 4]] +
    HEX[pool[at + 5]] +
    HEX[pool[at + 6]] +
    HEX[pool[at + 7]] +
    HEX[pool[at + 8]] +
    HEX[pool[at + 9]]
  )
}
