import type { Socket } from 'node:net'
import tls, { type SecureContext, type TLSSocket } from 'node:tls'
import type { TlsMaterial } from '../plan.ts'
import { FAILED_ENTRIES } from '../telling/counters.ts'
import { setSource, sourceOf } from './connection.ts'

/** A handshake may always take this long, in ms; where the time for a header has no limit either. */
const HANDSHAKE_MS = 60_000

/** Contexts by the name a downstream asks for. */
class ServerNames {
  readonly #exact = new Map<string, SecureContext>()
  /** By what follows the first label, dot included. */
  readonly #wild = new Map<string, SecureContext>()

  constructor(material: TlsMaterial) {
    for (const { hosts, cert, key } of material.sni) {
      const context = tls.createSecureContext({ ...shared(material), cert, key })
      for (const host of hosts) {
        if (host.startsWith('*')) this.#wild.set(host.slice(1), context)
        else this.#exact.set(host, context)
      }
    }
  }

  /** Undefined: the default certificate is shown. The name itself comes before a wildcard. */
  find(name: string): SecureContext | undefined {
    const lower = name.toLowerCase()
    const host = lower.endsWith('.') ? lower.slice(0, -1) : lower
    const exact = this.#exact.get(host)
    if (exact !== undefined) return exact
    const dot = host.indexOf('.')
    return dot > 0 ? this.#wild.get(host.slice(dot)) : undefined
  }
}

/** The TLS of one listener: does the handshake on sockets it is handed. */
export class TlsDoor {
  readonly #server: tls.Server
  readonly #counters: Int32Array
  readonly #refusesWrong: boolean
  readonly #then: (raw: Socket, socket: TLSSocket) => void
  /** Sockets whose handshake is under way, by both their ends: Node does not say which socket a TLS socket was made of. */
  readonly #under = new Map<string, Socket>()
  #names: ServerNames

  constructor(
    material: TlsMaterial,
    handshakeMs: number,
    counters: Int32Array,
    then: (raw: Socket, socket: TLSSocket) => void,
  ) {
    this.#counters = counters
    this.#then = then
    this.#names = new ServerNames(material)
    this.#refusesWrong = material.clientAuth === 'optional'
    this.#server = tls.createServer({
      ...contextOf(material),
      ALPNProtocols: material.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
      requestCert: material.clientAuth !== 'none',
      rejectUnauthorized: material.clientAuth === 'required',
      handshakeTimeout: handshakeMs > 0 ? handshakeMs : HANDSHAKE_MS,
      SNICallback: (name, done) => done(null, this.#find(name)),
    })
    this.#server.on('secureConnection', socket => this.#onSecure(socket))
    // No TLS at all, no version or cipher in common, no or a wrong client certificate, too slow, gone: nobody to tell.
    this.#server.on('tlsClientError', (_error, socket) => {
      this.#counters[FAILED_ENTRIES]++
      socket.destroy()
    })
  }

  /** Does the handshake on a socket; bytes of it that were read before must have been put back. */
  take(raw: Socket): void {
    const ends = endsOf(raw)
    if (ends === undefined) {
      raw.destroy()
      return
    }
    this.#under.set(ends, raw)
    raw.once('close', () => {
      if (this.#under.get(ends) === raw) this.#under.delete(ends)
    })
    this.#server.emit('connection', raw)
  }

  /** Shows these certificates from the next handshake on. Open connections keep what they were shown. */
  swap(material: TlsMaterial): void {
    const names = new ServerNames(material)
    this.#server.setSecureContext(contextOf(material))
    this.#server.setTicketKeys(Buffer.from(material.ticketKeys))
    this.#names = names
  }

  /** Never throws: Node lets an exception of this call end the thread. */
  #find(name: string): SecureContext | undefined {
    try {
      return this.#names.find(name)
    } catch {
      return undefined
    }
  }

  #onSecure(socket: TLSSocket): void {
    const ends = endsOf(socket)
    const raw = ends === undefined ? undefined : this.#under.get(ends)
    // The other end has gone meanwhile.
    if (ends === undefined || raw === undefined) {
      socket.destroy()
      return
    }
    this.#under.delete(ends)
    if (this.#refusesWrong && !socket.authorized && showsCertificate(socket)) {
      this.#counters[FAILED_ENTRIES]++
      socket.destroy()
      return
    }
    const source = sourceOf(raw)
    if (source !== undefined) setSource(socket, source)
    this.#then(raw, socket)
  }
}

function showsCertificate(socket: TLSSocket): boolean {
  return Object.keys(socket.getPeerCertificate()).length > 0
}

/** Both ends of a socket; undefined when the other one has gone. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

/** Sessions of one listener are told apart from those of others by the keys of their tickets. */
const SESSION_ID_CONTEXT = 'signalbox'

/** What the default certificate and those of the names have in common. */
function shared({ ca, minVersion }: TlsMaterial): tls.SecureContextOptions {
  return { ...(ca !== undefined && { ca }), minVersion, sessionIdContext: SESSION_ID_CONTEXT }
}

function contextOf(material: TlsMaterial): tls.SecureContextOptions {
  const { cert, key, ticketKeys } = material
  return { ...shared(material), cert, key, ticketKeys: Buffer.from(ticketKeys) }
}
