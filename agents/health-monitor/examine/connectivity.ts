import { steadyMs } from '../../kit/clock.ts'
import { reasonOf } from '../../skills/fault-reason.ts'
import { freshDialer, schemed } from '../dialers.ts'
import { pathOf } from '../sensors/network.ts'
import { type Finding, failed, passed } from './looks.ts'

/** Connections that are made to see how even a path is: enough to see one in five lost, few enough to be nothing to the endpoint. */
const CONNECTIONS = 5
/** Each of them may take so long, in ms: a path that needs more is a bad one. */
const EACH_MS = 1_000

/** Connects by TCP, nothing more. Returns µs; rejects where it does not come about. */
export function connectUs(url: string, timeoutMs: number, signal: AbortSignal): Promise<number> {
  const sinceMs = steadyMs()
  return new Promise((resolve, reject) => {
    const dialer = freshDialer({ url: schemed(url, 'http:'), timeoutMs, isHttp2: false })
    const socket = dialer.dial((error, dialed) => {
      signal.removeEventListener('abort', stop)
      dialed?.destroy()
      if (error === null) resolve(Math.round((steadyMs() - sinceMs) * 1000))
      else reject(error)
    })
    const stop = (): void => void socket?.destroy()
    signal.addEventListener('abort', stop)
  })
}

/** Whether it can be reached at all. */
export async function lookAtConnectivity(url: string, timeoutMs: number, signal: AbortSignal): Promise<Finding> {
  try {
    const us = await connectUs(url, timeoutMs, signal)
    return passed(`connected in ${(us / 1000).toFixed(1)} ms`, { 'network-latency': us })
  } catch (error) {
    return failed(reasonOf(error), {}, { isCritical: true })
  }
}

/** How evenly it is reached: some connections in quick succession. `onConnects` gets µs of each, null for one that came to nothing. */
export async function lookAtNetwork(
  url: string,
  timeoutMs: number,
  signal: AbortSignal,
  onConnects: (connects: readonly (number | null)[]) => void,
): Promise<Finding> {
  const connects: (number | null)[] = []
  for (let i = 0; i < CONNECTIONS && !signal.aborted; i++) {
    connects.push(await connectUs(url, Math.min(EACH_MS, timeoutMs), signal).catch(() => null))
  }
  if (!signal.aborted) onConnects(connects)
  const { latencyUs, jitterUs, loss } = pathOf(connects)
  const figures = { 'network-latency': latencyUs, jitter: jitterUs, loss }
  const lost = connects.filter(us => us === null).length
  if (lost > 0) return failed(`${lost} of ${connects.length} connections came to nothing`, figures, { score: 1 - loss })
  return passed(`${(latencyUs / 1000).toFixed(1)} ± ${(jitterUs / 1000).toFixed(1)} ms`, figures)
}
