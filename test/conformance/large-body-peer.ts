import { createHash, type Hash } from 'node:crypto'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Writable } from 'node:stream'

/** Origin and downstream of the test of large bodies, in a process of their own: neither holds more than a piece. */

const piece = Buffer.alloc(1 << 20, 'signalbox')
let sentMib = 0

function send(to: Writable, mib: number): void {
  sentMib = 0
  const write = (): void => {
    while (sentMib < mib) {
      sentMib++
      if (!to.write(piece)) {
        to.once('drain', write)
        return
      }
    }
    to.end()
  }
  write()
}

/** POST / is answered with the digest of its body, GET /n with a body of n MiB. */
const server = createServer((incoming, response) => {
  if (incoming.method === 'GET') {
    const mib = Number(incoming.url!.slice(1))
    response.setHeader('Content-Length', mib << 20)
    send(response, mib)
    return
  }
  const hash = createHash('sha1')
  incoming.on('data', bytes => hash.update(bytes)).on('end', () => response.end(hash.digest('hex')))
})

process.on('message', ({ way, port, mib }: { way: 'up' | 'down' | 'sent'; port: number; mib: number }) => {
  if (way === 'sent') return process.send!({ sentMib })
  const isUp = way === 'up'
  const headers = isUp ? { 'Content-Length': mib << 20 } : {}
  const asked = request({ port, path: isUp ? '/' : `/${mib}`, method: isUp ? 'POST' : 'GET', headers }, answer => {
    const hash: Hash = createHash('sha1')
    let text = ''
    answer.on('data', bytes => {
      if (isUp) text += bytes
      else hash.update(bytes)
    })
    answer.on('end', () => process.send!({ digest: isUp ? text : hash.digest('hex') }))
  })
  if (isUp) send(asked, mib)
  else asked.end()
})

server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }))
// Left alone, it has nothing to live for.
process.on('disconnect', () => process.exit())
