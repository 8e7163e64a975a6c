import { createServer } from 'node:http'

/**
 * One demo endpoint, a process of its own so that it can really be killed. It answers every request after a time drawn
 * around its mean, works on a few at once and queues the rest, and answers health checks at once.
 *
 *   argv: id, port (0: any free one), mean milliseconds, how many at once
 */
const [id, port, mean, atOnce] = process.argv.slice(2)
const meanMs = Number(mean)
const places = Number(atOnce)

let working = 0
const queue: (() => void)[] = []

function begin(work: () => void): void {
  if (working >= places) {
    queue.push(work)
    return
  }
  working++
  // Exponentially distributed: most answers come quickly and a few take long, as in life.
  setTimeout(work, -meanMs * Math.log(1 - Math.random()))
}

function end(): void {
  working--
  const next = queue.shift()
  if (next !== undefined) begin(next)
}

const listener = createServer((request, response) => {
  if (request.url === '/healthz') {
    response.end('ok\n')
    return
  }
  request.resume()
  begin(() => {
    end()
    const body = JSON.stringify({ endpoint: id, path: request.url, pid: process.pid })
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    response.end(body)
  })
})
// Longer than the proxy keeps an idle connection, so that the proxy is the one to close it.
listener.keepAliveTimeout = 60_000
listener.listen(Number(port), '127.0.0.1', () => {
  const address = listener.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined })
})

// Ctrl-C reaches every process of the terminal; the demo says when it is over by closing the channel.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit(0))
