/**
 * Follows where the frames of a WebSocket begin and end, as its bytes come by: no byte is kept, no payload looked at.
 *
 *   byte 0  FIN and opcode    byte 1  mask bit and length, 126: 2 more bytes have it, 127: 8    then 4 of mask, if masked
 *
 * Source: RFC 6455 5.2.
 */
export class FrameWalker {
  /** Bytes of the frame's payload that are still to come. */
  #payload = 0
  /** Bytes of its header seen so far, and how many it has. */
  #seen = 0
  #header = 2
  /** How many bytes after the first two have the length, and what they say so far. */
  #more = 0
  #length = 0

  /** Nothing is half said: a control frame may stand here, even between the frames of a fragmented message (5.4). */
  get isBetweenFrames(): boolean {
    return this.#payload === 0 && this.#seen === 0
  }

  walk(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#payload > 0) {
        const step = Math.min(this.#payload, bytes.length - at)
        this.#payload -= step
        at += step
      } else {
        this.#readHeader(bytes[at++])
      }
    }
  }

  #readHeader(byte: number): void {
    const place = this.#seen++
    if (place === 1) {
      const length = byte & 0x7f
      const more = length === 126 ? 2 : length === 127 ? 8 : 0
      this.#header = 2 + more + ((byte & 0x80) === 0 ? 0 : 4)
      this.#length = more === 0 ? length : 0
      this.#more = more
    } else if (place > 1 && place < 2 + this.#more) {
      // Up to 2^63: beyond 2^53 a count is inexact, and nobody lives to see the end of such a frame.
      this.#length = this.#length * 256 + byte
    }
    if (this.#seen < this.#header || place === 0) return
    this.#payload = this.#length
    this.#seen = 0
    this.#header = 2
    this.#length = 0
    this.#more = 0
  }
}

/** A close frame as a server sends it: 1001, the endpoint goes away (RFC 6455 7.4.1). */
export const GOING_AWAY = Buffer.from([0x88, 0x02, 0x03, 0xe9])
