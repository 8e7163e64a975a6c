import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * The origin behind slow connections, in a process of its own: /long has a long body, every other answer is the path's last part.
 * Long bodies go out piece by piece, so that it is not the origin who keeps the normal client waiting.
 *
 *   parent ◀── port
 *   parent ──▶ 'count'      ◀── bytes of long bodies handed to the kernel so far
 */

/** More than what the kernel and the proxy hold for one connection, so that it does not all lie there. */
const LONG_PIECES = 1024
const PIECE = Buffer.alloc(64 << 10, 'x')

let sentBytes = 0

function send(response: ServerResponse, pieces: number): void {
  if (response.destroyed) return
  if (pieces === 0) return void response.end()
  const isTaken = response.write(PIECE)
  sentBytes += PIECE.length
  const goOn = (): void => send(response, pieces - 1)
  if (isTaken) setImmediate(goOn)
  else response.once('drain', goOn)
}

const server = createServer((request, response) => {
  if (request.url === '/long') send(response, LONG_PIECES)
  else request.resume().on('end', () => response.end(request.url!.slice(1)))
})
// Longer than the test.
server.keepAliveTimeout = 120_000
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
process.on('message', () => process.send!(sentBytes))
process.on('disconnect', () => process.exit())
