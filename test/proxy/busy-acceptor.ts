import { readSync } from 'node:fs'
import { createServer } from 'node:net'
import { listenWell } from '../../engine/proxy/threads/listen.ts'

/** A process with descriptors 3 to 6, whose loop stands still until a line comes; then it says how many connections one turn brought. */

let accepted = 0
const server = createServer(socket => {
  socket.destroy()
  if (++accepted > 1) return
  setImmediate(() => {
    process.stdout.write(`${accepted}\n`)
    process.exit()
  })
})
await listenWell(server, { address: '127.0.0.1', port: 0, isShared: false, fds: [3, 4, 5, 6] })
process.stdout.write('listens\n')
readSync(0, Buffer.alloc(1))
