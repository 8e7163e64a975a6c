import { defineAction } from '../kit/grammar/action.ts'
import { placeOf, reach } from '../skills/network/connect-time.ts'
import { endpointTried, type Tried, writtenTried } from './signals.ts'

/** Connects to an endpoint that was found, before anybody is sent there. */
export const tryEndpoint = defineAction({
  name: 'try-endpoint',
  isOutside: true,
  done: endpointTried,
  // It keeps its own time.
  timeoutMs: 0,
  run: async ({ url, timeoutMs }: { url: string; timeoutMs: number }, edge): Promise<Tried> => {
    const { host, port } = placeOf(url)
    const reached = await reach(host, port, timeoutMs, edge)
    return { url, connectMs: reached.connectMs, reason: reached.connectMs === null ? reached.reason : '' }
  },
})

export interface WrittenParams {
  readonly round: number
  readonly timeoutMs: number
  readonly services: readonly { readonly service: string; readonly endpoints: readonly { id: string; url: string }[] }[]
}

/** Of all services together; who has more written down learns of them as they are measured in turn. */
const WRITTEN_MAX = 256

/** Connects to all endpoints that are written down, at once. */
export const tryWritten = defineAction({
  name: 'try-written',
  isOutside: true,
  done: writtenTried,
  timeoutMs: 0,
  run: async ({ round, timeoutMs, services }: WrittenParams, edge) => {
    let left = WRITTEN_MAX
    const tried = services.map(async ({ service, endpoints }) => {
      const some = endpoints.slice(0, left)
      left -= some.length
      const missed = some.map(async ({ id, url }) => {
        const { host, port } = placeOf(url)
        return (await reach(host, port, timeoutMs, edge)).connectMs === null ? [id] : []
      })
      return { service, missed: (await Promise.all(missed)).flat() }
    })
    return { round, services: await Promise.all(tried) }
  },
})
