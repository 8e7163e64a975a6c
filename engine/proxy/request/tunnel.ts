import type { Socket } from 'node:net'
import { elapsedMs } from '../../memory/clock.ts'
import { FrameWalker, GOING_AWAY } from './websocket-frames.ts'

/** After one side was closed, or told to go, the other has this long to follow, in ms. */
const ENDING_MS = 1000

/**
 * Two sockets that say whatever they like to each other, with back-pressure, until either ends.
 *
 *   downstream ◀══════▶ upstream        bytes are passed, not understood; of a WebSocket it is followed where frames end,
 *                                       so that a drain can say goodbye instead of breaking off
 */
export class Tunnel {
  readonly #downstream: Socket
  readonly #upstream: Socket
  readonly #idleMs: number
  readonly #onEnd: () => void
  readonly #frames: FrameWalker | undefined
  #isDraining = false
  #hasSaidGoodbye = false
  #hasEnded = false
  #ending: NodeJS.Timeout | undefined
  #bytes = 0
  #movedAtMs: number

  /** `idleMs` 0: as long as they like. `onEnd` is called once, when both sides are closed. */
  constructor(
    downstream: Socket,
    upstream: Socket,
    options: { isWebSocket: boolean; idleMs: number; nowMs: number; onEnd: () => void },
  ) {
    this.#downstream = downstream
    this.#upstream = upstream
    this.#idleMs = options.idleMs
    this.#movedAtMs = options.nowMs
    this.#onEnd = options.onEnd
    this.#frames = options.isWebSocket ? new FrameWalker() : undefined
    this.#pass(downstream, upstream)
    this.#pass(upstream, downstream)
  }

  /** Bytes that went down. */
  get bytesDown(): number {
    return this.#upstream.bytesRead
  }

  #pass(from: Socket, to: Socket): void {
    const isDown = to === this.#downstream
    from.on('data', (chunk: Buffer) => {
      if (isDown) {
        // After a goodbye nothing more may be said on that side (RFC 6455 5.5.1).
        if (this.#hasSaidGoodbye) return
        this.#frames?.walk(chunk)
      }
      if (!to.write(chunk)) from.pause()
      if (isDown && this.#isDraining) this.#sayGoodbye()
    })
    to.on('drain', () => from.resume())
    // It may still have something to say in the other direction.
    from.on('end', () => to.end())
    from.on('error', () => {})
    from.on('close', () => {
      // What was not read to its end broke off; so does the other side.
      if (from.readableEnded) to.end()
      else to.destroy()
      this.#hurry()
      if (this.#downstream.destroyed && this.#upstream.destroyed) this.#finish()
    })
    from.resume()
  }

  /** Ends a tunnel nobody said anything through for too long. `nowMs` on the cached clock. */
  checkPatience(nowMs: number): void {
    const bytes = this.#downstream.bytesRead + this.#upstream.bytesRead
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#movedAtMs = nowMs
    } else if (this.#idleMs > 0 && elapsedMs(nowMs, this.#movedAtMs) > this.#idleMs) {
      this.#sayGoodbye()
      this.#downstream.end()
      this.#upstream.end()
      this.#hurry()
    }
  }

  /**
   * Says goodbye as soon as nothing is half said: a WebSocket learns that it is to go elsewhere, and its answer is passed on.
   * Any other protocol is left to end by itself, as long as the drain has time.
   */
  drain(): void {
    this.#isDraining = true
    this.#sayGoodbye()
  }

  /** Breaks both sides off. */
  destroy(): void {
    this.#downstream.destroy()
    this.#upstream.destroy()
  }

  #sayGoodbye(): void {
    if (this.#hasSaidGoodbye || this.#frames?.isBetweenFrames !== true || this.#downstream.writableEnded) return
    this.#hasSaidGoodbye = true
    this.#downstream.write(GOING_AWAY)
    this.#hurry()
  }

  #hurry(): void {
    if (this.#ending !== undefined || this.#hasEnded) return
    this.#ending = setTimeout(() => this.destroy(), ENDING_MS)
    this.#ending.unref()
  }

  #finish(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    clearTimeout(this.#ending)
    this.#onEnd()
  }
}
