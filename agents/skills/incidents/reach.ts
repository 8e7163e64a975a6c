import { Dialer, type UpstreamText } from '../../../engine/writer.ts'
import { defineAction } from '../../kit/grammar/action.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import type { RowRef } from '../../kit/table-port.ts'
import { reasonOf } from '../fault-reason.ts'

export interface ReachParams extends RowRef {
  /** http://host:port or https://host:port */
  readonly url: string
  /** How its service is connected to; left out: TLS by default, where the url says so. */
  readonly upstream?: UpstreamText | undefined
  readonly timeoutMs: number
}

export interface Reached extends RowRef {
  readonly hasPassed: boolean
  /** For people: `connected`, `ECONNREFUSED`. */
  readonly reason: string
}

export const endpointReached = defineSignal('signalbox.endpoint.reached', { data: trusted<Reached>() })

/**
 * Connects to an endpoint as requests to it do, with TLS where its url says so, and hangs up. The connection is a new one: names are
 * resolved and files of certificates read anew, where that was not done within the last seconds.
 */
export const reachEndpoint = defineAction({
  name: 'reach-endpoint',
  done: endpointReached,
  // It keeps its own time.
  timeoutMs: 0,
  run: ({ row, generation, url, upstream, timeoutMs }: ReachParams): Promise<Reached> =>
    new Promise(resolve => {
      const dialer = new Dialer({ url, tls: upstream?.tls, isHttp2: upstream?.isHttp2 === true, timeoutMs })
      dialer.dial((error, socket) => {
        if (error !== null || socket === null) {
          resolve({ row, generation, hasPassed: false, reason: reasonOf(error) })
          return
        }
        socket.on('error', () => {})
        socket.destroy()
        resolve({ row, generation, hasPassed: true, reason: 'connected' })
      })
    }),
})
