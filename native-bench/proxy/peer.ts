import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Files } from '../load/certificate.ts'
import { PEERS, type PeerName } from './peers.ts'

/** One proxy of peers.ts in a process of its own: which, where and before what is in the first argument. Sends word when its package is not there. */
export interface Task {
  readonly name: PeerName
  readonly port: number
  readonly origin: string
  readonly tls?: Files
}

const { name, port, origin, tls } = JSON.parse(process.argv[2]!) as Task

const begun = await PEERS[name](origin, listener => {
  const server: Server =
    tls === undefined
      ? createServer(listener)
      : createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, listener)
  // Longer than from one turn to the next: nobody is to be measured by connections that went idle.
  server.keepAliveTimeout = 120_000
  return server
})
if (begun === undefined) {
  process.send!('absent')
  process.disconnect()
} else {
  await begun(port)
}
