import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What an endpoint of the demo is like. Uneven on purpose: an even-handed policy would be slowed down by the worst. */
const PLAN = [
  { id: 'quick', meanMs: 2, atOnce: 8, zone: 'z1', weight: 2 },
  { id: 'steady', meanMs: 6, atOnce: 8, zone: 'z1', weight: 2 },
  { id: 'slow', meanMs: 20, atOnce: 4, zone: 'z2', weight: 1 },
  { id: 'tired', meanMs: 60, atOnce: 2, zone: 'z2', weight: 1 },
] as const

/** How long a killed endpoint stays away, in ms: long enough to be seen on the page. */
const AWAY_MS = 5000

const ENTRY = fileURLToPath(new URL('./endpoint.js', import.meta.url))

export interface DemoEndpoint {
  readonly id: string
  readonly zone: string
  readonly weight: number
  readonly port: number
  pid: number
}

/** Starts the four endpoints; one that is killed comes back on its port after a while. `say` hears of both. */
export async function startDemoEndpoints(
  say: (text: string) => void,
): Promise<{ endpoints: DemoEndpoint[]; stop: () => void }> {
  const children = new Map<string, ChildProcess>()
  const returns = new Set<NodeJS.Timeout>()
  let isStopping = false

  const start = async (plan: (typeof PLAN)[number], port: number): Promise<DemoEndpoint> => {
    const child = fork(ENTRY, [plan.id, String(port), String(plan.meanMs), String(plan.atOnce)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    children.set(plan.id, child)
    const bound = await new Promise<number>((resolve, reject) => {
      child.once('message', message => resolve((message as { port: number }).port))
      child.once('error', reject)
      child.once('exit', code => reject(new Error(`Cannot start demo endpoint ${plan.id}: it exited with ${code}`)))
    })
    const endpoint: DemoEndpoint = {
      id: plan.id,
      zone: plan.zone,
      weight: plan.weight,
      port: bound,
      pid: child.pid ?? 0,
    }
    child.removeAllListeners('exit')
    child.once('exit', (code, signal) => {
      if (isStopping) return
      say(`endpoint ${plan.id} is gone (${signal ?? `exit ${code}`}); it returns in ${AWAY_MS / 1000} s`)
      const timer = setTimeout(() => {
        returns.delete(timer)
        start(plan, bound).then(
          ({ pid }) => {
            endpoint.pid = pid
            say(`endpoint ${plan.id} is back, pid ${pid}`)
          },
          error => say(String(error)),
        )
      }, AWAY_MS)
      returns.add(timer)
    })
    return endpoint
  }

  const stop = (): void => {
    isStopping = true
    for (const timer of returns) clearTimeout(timer)
    for (const child of children.values()) {
      if (child.connected) child.disconnect()
    }
  }

  try {
    return { endpoints: await Promise.all(PLAN.map(plan => start(plan, 0))), stop }
  } catch (error) {
    stop()
    throw error
  }
}
