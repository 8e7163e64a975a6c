import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'

/** What concerns one connection only and is not passed on (RFC 9110 7.6.1). */
const HOP_BY_HOP = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  // Answered by node:http itself.
  'expect',
])

/**
 * What somebody who knows node:http and undici writes in an afternoon: nothing is gathered, and both sides are held to the pace of the other. Headers stay as they came, in the old style of undici's handlers, which spares an object for each.
 */
export function forwarder(origin: string, options: Pool.Options): RequestListener {
  const pool = new Pool(origin, options)
  return (request, response) => {
    const hasBody =
      request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
    const sent: Dispatcher.DispatchOptions = {
      path: request.url!,
      method: request.method as Dispatcher.HttpMethod,
      headers: passedOn(request.rawHeaders),
      body: hasBody ? request : null,
    }
    pool.dispatch(sent, new Passage(request, response))
  }
}

class Passage implements Dispatcher.DispatchHandler {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request
    this.#response = response
  }

  /** Whoever goes away takes the other side along, also who has gone while the request waited for a connection. */
  onConnect(abort: () => void): void {
    const response = this.#response
    if (response.destroyed) abort()
    response.once('close', () => {
      if (!response.writableEnded) abort()
    })
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void): boolean {
    if (status < 200) return true
    this.#response.on('drain', resume)
    this.#response.writeHead(status, passedOn(headers.map(each => each.toString('latin1'))))
    return true
  }

  onData(piece: Buffer): boolean {
    return this.#response.write(piece)
  }

  onComplete(): void {
    this.#response.end()
  }

  onError(): void {
    if (this.#response.headersSent) this.#response.destroy()
    else this.#response.writeHead(502).end()
    this.#request.resume()
  }
}

/** Names and values in turns, as node:http and undici have them. */
function passedOn(headers: readonly string[]): string[] {
  const passed: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    if (!HOP_BY_HOP.has(headers[i]!.toLowerCase())) passed.push(headers[i]!, headers[i + 1]!)
  }
  return passed
}
