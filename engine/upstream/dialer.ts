import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls'
import { SignalboxError } from '../errors.ts'
import type { UpstreamTlsText } from '../memory/service-text.ts'
import { AddressBook } from './address-book.ts'
import { ConnectTimeoutError } from './connect-timeout.ts'
import { type Credentials, credentialsOf } from './credentials.ts'

export interface DialOptions {
  /** http://host:port or https://host:port */
  readonly url: string
  readonly tls?: UpstreamTlsText | undefined
  readonly isHttp2: boolean
  /** For the connection and the handshake together, in ms; 0: no limit. */
  readonly timeoutMs: number
}

/** When the system sends the first packet of a connection again, in ms: RFC 6298, one second and twice as long each time. */
const RESENDS_MS = [1000, 3000, 7000]
/** So long the answer to that may take, in ms. */
const RESENT_MS = 250

/**
 * How long a connection is waited for: as long as was told, unless that ends just when the first packet is sent again. Where many connect
 * at once some of those packets are lost, and a timeout of one second, the default, would never see the answer to the next.
 */
export function patienceMs(timeoutMs: number): number {
  const resend = RESENDS_MS.find(ms => timeoutMs >= ms && timeoutMs < ms + RESENT_MS)
  return resend === undefined ? timeoutMs : resend + RESENT_MS
}

export type OnDialed = (error: Error | null, socket: Socket | null) => void

/** What has come on a connection; the bytes are valid during the call alone. False: no more until its `resume`. */
export type OnBytes = (bytes: Buffer) => boolean

/** Where sockets that are read so are read into: what is not taken within the call is overwritten by the next one. */
const slab = Buffer.allocUnsafeSlow(65_536)

/** Silence after which the system asks whether the other side is still there, in ms. As undici has it. */
const PROBE_AFTER_MS = 60_000

/** The names of this thread: services may share endpoints, and all rotate together. */
const book = new AddressBook()

/**
 * Opens connections to one endpoint: names are resolved, TLS is spoken and checked, and what fails is told in words that say
 * whether it was the connection, the time, or the trust.
 *
 *   dial ──▶ connect ──▶ handshake ──▶ onDialed(null, socket)
 *     │         │            └─ SBX_UPSTREAM_TLS     not trusted, or no TLS that both speak
 *     │         └─ as the system says               refused, reset, no route, no such name
 *     └─ UND_ERR_CONNECT_TIMEOUT
 */
export class Dialer {
  readonly #url: string
  readonly #host: string
  readonly #port: number
  readonly #timeoutMs: number
  readonly #isHttp2: boolean
  readonly #book: AddressBook
  /** Undefined where the endpoint is spoken to in plain text. */
  readonly #credentials: Credentials | undefined
  /** What spares the next handshake the most of its work; good for these credentials alone. */
  #session: Buffer | undefined
  #context: SecureContext | undefined

  constructor({ url, tls, isHttp2, timeoutMs }: DialOptions, addresses = book) {
    const { hostname, port, protocol } = new URL(url)
    this.#url = url
    this.#host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
    this.#port = Number(port) || (protocol === 'https:' ? 443 : 80)
    this.#timeoutMs = timeoutMs
    this.#isHttp2 = isHttp2
    this.#book = addresses
    this.#credentials = protocol === 'https:' ? credentialsOf(tls) : undefined
  }

  /**
   * Told once, never within the call. The socket it is told may have closed again by then, and tells so itself. With `onBytes` what
   * comes is handed over without a buffer for each read, and without the events of a stream.
   */
  dial(onDialed: OnDialed, onBytes?: OnBytes): Socket | undefined {
    let socket: Socket
    try {
      socket = this.#credentials === undefined ? this.#dialPlain(onBytes) : this.#dialTls(this.#credentials)
    } catch (error) {
      process.nextTick(() => onDialed(this.#distrust(error as Error), null))
      return undefined
    }
    let told: OnDialed | undefined = onDialed
    const tell: OnDialed = (error, dialed) => {
      clearTimeout(timer)
      const tell = told
      told = undefined
      tell?.(error, dialed)
    }
    const timeUp = (): void => {
      tell(new ConnectTimeoutError(`${this.#host}:${this.#port}`, this.#timeoutMs), null)
      socket.destroy()
    }
    // What has arrived while this thread was busy counts: sockets are read before immediates run.
    const timer = this.#timeoutMs > 0 ? setTimeout(() => setImmediate(timeUp), patienceMs(this.#timeoutMs)) : undefined
    const isTls = this.#credentials !== undefined
    let isConnected = false
    socket.once('connect', () => {
      isConnected = true
    })
    socket.on('connectionAttemptFailed', (address: string) => this.#book.fail(this.#host, address))
    socket.on('connectionAttemptTimeout', (address: string) => this.#book.fail(this.#host, address))
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      const { alpnProtocol } = socket as Partial<TLSSocket>
      if (isTls && this.#isHttp2 && alpnProtocol !== 'h2') {
        tell(this.#distrust(new Error('it does not speak HTTP/2')), null)
        socket.destroy()
        return
      }
      if (isTls && onBytes !== undefined) socket.on('data', onBytes)
      tell(null, socket)
    })
    socket.on('error', (error: NodeJS.ErrnoException & { address?: string }) => {
      if (told === undefined) return
      if (!isConnected && error.address !== undefined) this.#book.fail(this.#host, error.address)
      tell(isConnected && isTls && !BROKEN.has(error.code) ? this.#distrust(error) : error, null)
    })
    socket.once('close', () => tell(Object.assign(new Error('socket closed'), { code: 'ECONNRESET' }), null))
    return socket
  }

  get #target() {
    return {
      host: this.#host,
      port: this.#port,
      lookup: this.#book.lookup,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: PROBE_AFTER_MS,
      // As undici has it; a TLS record holds less.
      highWaterMark: this.#credentials === undefined ? 65_536 : 16_384,
    }
  }

  #dialPlain(onBytes: OnBytes | undefined): Socket {
    if (onBytes === undefined) return connectPlain(this.#target)
    const callback = (length: number): boolean => onBytes(slab.subarray(0, length))
    return connectPlain({ ...this.#target, onread: { buffer: slab, callback } })
  }

  #dialTls(credentials: Credentials): TLSSocket {
    const { verify, serverName } = credentials.tls
    const context = credentials.context()
    if (context !== this.#context) {
      this.#context = context
      this.#session = undefined
    }
    const options: ConnectionOptions = {
      ...this.#target,
      secureContext: context,
      // An address is no name for SNI (RFC 6066 3); it is checked against the addresses of the certificate.
      servername: serverName ?? (isIP(this.#host) === 0 ? this.#host : ''),
      rejectUnauthorized: verify,
      ALPNProtocols: this.#isHttp2 ? ['h2'] : ['http/1.1'],
      ...(this.#session !== undefined && { session: this.#session }),
    }
    const socket = connectTls(options)
    socket.on('session', session => {
      if (context === this.#context) this.#session = session
    })
    return socket
  }

  #distrust(cause: Error): SignalboxError {
    return new SignalboxError(
      'SBX_UPSTREAM_TLS',
      `Cannot speak TLS with ${this.#url}: ${cause.message}, check its certificate and the tls keys of its service`,
      { cause },
    )
  }
}

/** A connection that breaks in the handshake is one that broke, whatever was spoken. */
const BROKEN: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT'])
