import type { IncomingMessage, ServerResponse } from 'node:http'
import { StreamResponse } from '../downstream/downstream-http2.ts'
import { readResponseHead } from './headers.ts'
import { printHead } from './print-head.ts'

/** Interim responses of one request that are passed on; an upstream that sends more is broken. */
export const INTERIM_MAX = 16

/**
 * Passes a 1xx response on, to who can read one: HTTP/1.0 cannot, and behind a pipelined request whose turn has not come
 * it would be taken for another's. node:http writes final responses only, so this goes on the socket before them.
 */
export function passInterim(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  fields: string[],
): void {
  if (response instanceof StreamResponse) {
    response.writeInterim(status, readResponseHead(fields, false).headers)
    return
  }
  const { socket } = response
  if (socket === null || request.httpVersionMinor === 0) return
  const { headers } = readResponseHead(fields, false)
  socket.write(printHead(status, headers), 'latin1')
}
