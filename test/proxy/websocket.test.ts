import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { eventually } from '../support/eventually.ts'
import { inflight, type Rig, startRig } from './rig.ts'

/** What a client sees of one conversation: everything that came, and how it ended. */
interface Seen {
  messages: string[]
  pongs: string[]
  code: number
  reason: string
}

type Conversation = (socket: WebSocket) => void

/** Sends all of these, and closes when as many came back. */
function echo(messages: readonly (string | Buffer)[], code = 1000, reason = ''): Conversation {
  return socket => {
    let left = messages.length
    if (left === 0) socket.close(code, reason)
    socket.on('message', () => {
      if (--left === 0) socket.close(code, reason)
    })
    for (const message of messages) socket.send(message)
  }
}

const CONVERSATIONS: Record<string, Conversation> = {
  'text of every length its header can have': echo([
    '',
    'a',
    'x'.repeat(125),
    'x'.repeat(126),
    'x'.repeat(65_535),
    'x'.repeat(65_536),
  ]),
  'text beyond ASCII': echo(['κόσμε', '𐀀\u{10ffff}', '\0']),
  'binary of every byte': echo([Buffer.from(Array.from({ length: 256 }, (_, i) => i)), Buffer.alloc(0)]),
  'sixteen MiB in one message': echo([randomBytes(16 << 20)]),
  'a message in fragments, with a ping between them': socket => {
    socket.on('message', () => socket.close(1000))
    socket.send('one ', { fin: false })
    socket.ping('between')
    socket.send('two ', { fin: false })
    socket.send('three', { fin: true })
  },
  'pings, empty and as long as may be': socket => {
    let left = 2
    socket.on('pong', () => --left === 0 && socket.close(1000))
    socket.ping('')
    socket.ping('p'.repeat(125))
  },
  'a hundred messages at once': echo(Array.from({ length: 100 }, (_, i) => `message ${i}`)),
  ...Object.fromEntries(
    [1000, 1001, 1002, 1003, 1007, 1011, 3000, 4999].map(code => [
      `close code ${code}`,
      echo(['x'], code, `because ${code}`),
    ]),
  ),
  'a close without a code': socket => socket.close(),
  'an end by the server': socket => socket.send('close 4001 by the server'),
  'a server that breaks off': socket => socket.send('terminate'),
  'an opcode nobody knows': socket => {
    const { _socket } = socket as unknown as { _socket: { write(bytes: Buffer): void } }
    _socket.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0]))
  },
  'a frame that is not masked': socket => {
    const { _socket } = socket as unknown as { _socket: { write(bytes: Buffer): void } }
    _socket.write(Buffer.from([0x81, 0x01, 0x61]))
  },
}

async function talk(url: string, conversation: Conversation, perMessageDeflate: boolean): Promise<Seen> {
  const socket = new WebSocket(url, ['echo'], { perMessageDeflate })
  const seen: Seen = { messages: [], pongs: [], code: 0, reason: '' }
  socket.on(
    'message',
    (bytes: Buffer, isBinary) =>
      void seen.messages.push(`${isBinary} ${bytes.length} ${bytes.toString('base64').slice(0, 200)}`),
  )
  socket.on('pong', bytes => void seen.pongs.push(bytes.toString()))
  socket.on('error', () => {})
  socket.on('open', () => conversation(socket))
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return { ...seen, code, reason: reason.toString() }
}

describe('a WebSocket through the proxy is as it is without', () => {
  let server: WebSocketServer
  let rig: Rig
  let direct: string

  before(async () => {
    server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true, handleProtocols: () => 'echo' })
    await once(server, 'listening')
    server.on('connection', socket => {
      socket.on('error', () => {})
      socket.on('message', (bytes: Buffer, isBinary) => {
        if (!isBinary && bytes.toString() === 'close 4001 by the server') socket.close(4001, 'enough')
        else if (!isBinary && bytes.toString() === 'terminate') socket.terminate()
        else socket.send(bytes, { binary: isBinary })
      })
    })
    direct = `127.0.0.1:${(server.address() as AddressInfo).port}`
    rig = await startRig([`http://${direct}`])
  })
  after(async () => {
    await rig.close()
    for (const socket of server.clients) socket.terminate()
    await new Promise(resolve => server.close(resolve))
  })

  for (const [what, conversation] of Object.entries(CONVERSATIONS)) {
    it(what, async () => {
      for (const isDeflated of [false, true]) {
        const without = await talk(`ws://${direct}/x`, conversation, isDeflated)
        const through = await talk(`ws://127.0.0.1:${rig.port}/x`, conversation, isDeflated)
        assert.deepEqual(through, without)
      }
    })
  }

  it('and all of them are settled', async () => {
    await eventually('nothing is in flight', () => inflight(rig.box) === 0)
    const { totals } = rig.box.explain('api').endpoints[0]
    assert.equal(totals.ok, Object.keys(CONVERSATIONS).length * 2)
  })
})
