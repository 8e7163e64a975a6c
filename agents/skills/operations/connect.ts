import { connect } from 'node:net'
import { defineAction } from '../../kit/grammar/action.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'

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
  async run({ about, urls }: { about: string; urls: Readonly<Record<string, string>> }, { later, signal }) {
    const tried = Object.entries(urls).map(async ([target, url]): Promise<[string, boolean]> => {
      return [target, await canConnect(url, later, signal)]
    })
    return { about, connected: Object.fromEntries(await Promise.all(tried)) }
  },
})

function canConnect(
  url: string,
  later: (delayMs: number, callback: () => void) => () => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url)
  return new Promise(resolve => {
    const socket = connect({
      ...{ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'https:' ? 443 : 80)), signal },
    })
    const end = (isConnected: boolean): void => {
      callOff()
      socket.destroy()
      resolve(isConnected)
    }
    const callOff = later(CONNECT_MS, () => end(false))
    socket.on('connect', () => end(true))
    socket.on('error', () => end(false))
  })
}
