import { defineAction } from '../../kit/grammar/action.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { placeOf, reach } from '../network/connect-time.ts'

export interface Attempted {
  /** Comes back with the answers. */
  readonly about: string
  /** Of each target whether it could be connected to. */
  readonly connected: Readonly<Record<string, boolean>>
}

export const connectsTried = defineSignal('signalbox.connects.tried', { data: trusted<Attempted>() })

/** An endpoint that takes longer is not there for who needs it now. */
const CONNECT_MS = 1_000

/** Tries to connect to some endpoints by TCP, all at once, and says of each whether it could. */
export const tryConnects = defineAction({
  name: 'try-connects',
  done: connectsTried,
  timeoutMs: 0,
  async run({ about, urls }: { about: string; urls: Readonly<Record<string, string>> }, edge) {
    const tried = Object.entries(urls).map(async ([target, url]): Promise<[string, boolean]> => {
      const { host, port } = placeOf(url)
      const { connectMs } = await reach(host, port, CONNECT_MS, edge)
      return [target, connectMs !== null]
    })
    return { about, connected: Object.fromEntries(await Promise.all(tried)) }
  },
})
