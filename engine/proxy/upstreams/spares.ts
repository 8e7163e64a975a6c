import type { Socket } from 'node:net'
import type { ConnectionsConfig } from '../../config/schema.ts'
import type { Dice } from '../../policies/dice.ts'
import type { Dialer } from '../../upstream/dialer.ts'
import type { Supply } from './supply.ts'

/** What is to be opened is opened within this time, and not all at one moment: other threads and nodes do the same, in ms. */
const SPREAD_MS = 500

/** A connection nobody has used. */
export class Spare {
  readonly socket: Socket
  readonly bornAtMs: number
  readonly #onClose: () => void

  constructor(socket: Socket, bornAtMs: number, keepAlive: number, onClose: (spare: Spare) => void) {
    this.socket = socket
    this.bornAtMs = bornAtMs
    this.#onClose = () => onClose(this)
    socket.once('close', this.#onClose)
    socket.setTimeout(keepAlive, this.#onIdle)
    socket.on('readable', this.#onReadable)
    socket.unref()
  }

  /** From now on its socket is the taker's. */
  handOver(): Socket {
    const { socket } = this
    socket.removeListener('close', this.#onClose)
    socket.removeListener('readable', this.#onReadable)
    socket.setTimeout(0, this.#onIdle)
    return socket.ref()
  }

  readonly #onIdle = (): void => void this.socket.destroy()

  /** Its end is seen by reading alone. Anything else that comes unasked could be taken for an answer. */
  readonly #onReadable = (): void => {
    if (this.socket.read() !== null) this.socket.destroy()
  }
}

/**
 * Connections to one endpoint that nobody has used yet: opened before they are needed, counted as connections, closed when
 * they have been idle for as long as any may be, and then opened anew.
 */
export class Spares {
  readonly #dialer: Dialer
  readonly #router: Supply['router']
  readonly #connections: ConnectionsConfig
  readonly #roll: Dice
  readonly #open: Spare[] = []
  readonly #opening = new Set<NodeJS.Timeout>()
  #dialing = 0
  #isClosed = false

  constructor(dialer: Dialer, router: Supply['router'], connections: ConnectionsConfig, roll: Dice) {
    this.#dialer = dialer
    this.#router = router
    this.#connections = connections
    this.#roll = roll
  }

  /** The youngest. It counts as a connection already. */
  take(): Spare | undefined {
    for (let spare = this.#open.pop(); spare !== undefined; spare = this.#open.pop()) {
      // One that was destroyed has yet to tell so, and is counted until then.
      if (!spare.socket.destroyed) return spare
    }
    return undefined
  }

  /** Opens as many as are missing beside those that are there otherwise. */
  open(others: number): void {
    const missing = this.#connections.warm - others - this.#open.length - this.#opening.size - this.#dialing
    for (let i = 0; i < missing; i++) {
      const timer = setTimeout(
        () => {
          this.#opening.delete(timer)
          this.#dial()
        },
        (this.#roll() / 2 ** 31) * SPREAD_MS,
      )
      timer.unref()
      this.#opening.add(timer)
    }
  }

  close(): void {
    this.#isClosed = true
    for (const timer of this.#opening) clearTimeout(timer)
    this.#opening.clear()
    for (const { socket } of this.#open.splice(0)) socket.destroy()
  }

  #dial(): void {
    if (!this.#router.tryConnect()) return
    this.#dialing++
    const bornAtMs = performance.now()
    this.#dialer.dial((error, socket) => {
      this.#dialing--
      if (error !== null || socket === null || socket.destroyed || this.#isClosed) {
        socket?.destroy()
        this.#router.endConnection()
        return
      }
      this.#open.push(new Spare(socket, bornAtMs, this.#connections.keepAlive, this.#onClose))
    })
  }

  readonly #onClose = (spare: Spare): void => {
    const at = this.#open.indexOf(spare)
    if (at >= 0) this.#open.splice(at, 1)
    this.#router.endConnection()
  }
}
