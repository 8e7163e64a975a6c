import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SERVERS, SLOTS } from './plan.ts'
import { Slots } from './slots.ts'
import { stallsMs, worksMs } from './work.ts'

/**
 * The servers of plan.ts in a process of their own. They do nothing but wait, so one core has room for all. `/7` is the request with number 7 of
 * this turn, and is answered when it is done; any other path at once.
 *
 *   parent ◀── number[]     ports, in the order of the plan
 *   parent ──▶ Turn         all queues are empty, and time begins with the next request
 *   parent ◀── 'ready'
 */
export interface Turn {
  readonly seed: number
  readonly requests: number
  readonly seconds: number
}

const BODY = JSON.stringify({ id: 4711, name: 'an endpoint answers', note: 'x'.repeat(50) })
const HEADERS = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(BODY) }

let works: ArrayLike<number> = []
let slots: Slots[] = []
let beganMs: number | undefined

function serve(place: number): Server {
  const server = createServer((request, response) => {
    const work = works[Number(request.url!.slice(1))]
    const answer = (): void => void response.writeHead(200, HEADERS).end(BODY)
    if (work === undefined) return answer()
    beganMs ??= performance.now()
    const nowMs = performance.now() - beganMs
    const endMs = slots[place]!.take(nowMs, work * SERVERS[place]!.slowness)
    setTimeout(answer, endMs - nowMs)
  })
  // Longer than from one turn to the next.
  server.keepAliveTimeout = 300_000
  return server
}

const servers = SERVERS.map((_, place) => serve(place))
await Promise.all(servers.map(server => new Promise<void>(resolve => server.listen(0, '127.0.0.1', 4096, resolve))))

process.on('message', ({ seed, requests, seconds }: Turn) => {
  works = worksMs(seed, requests)
  const stalls = stallsMs(seed, seconds * 1000)
  slots = SERVERS.map(({ isStalling }) => new Slots(SLOTS, isStalling ? stalls : []))
  beganMs = undefined
  process.send!('ready')
})
process.on('disconnect', () => process.exit())
process.send!(servers.map(server => (server.address() as AddressInfo).port))
