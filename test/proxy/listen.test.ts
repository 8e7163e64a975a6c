import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ACCEPTORS } from '../../engine/proxy/threads/listen.ts'

describe('listenWell()', () => {
  it('accepts a connection from each of its sockets in one turn of a busy loop', async t => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle
    const child = spawn(process.execPath, [fileURLToPath(new URL('./busy-acceptor.js', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit', ...Array<number>(ACCEPTORS).fill(fd)],
    })
    t.after(() => child.kill('SIGKILL'))
    server.close()
    const { stdin, stdout } = child
    assert.ok(stdin !== null && stdout !== null)
    await once(stdout, 'data')
    const sockets = Array.from({ length: 3 * ACCEPTORS }, () => connect(port, '127.0.0.1').on('error', () => {}))
    // The kernel answers for a process that is busy.
    await Promise.all(sockets.map(socket => once(socket, 'connect')))
    stdin.write('\n')
    const [accepted] = await once(stdout, 'data')
    assert.equal(Number(accepted), ACCEPTORS)
    for (const socket of sockets) socket.destroy()
  })
})
