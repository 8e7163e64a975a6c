import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** How this machine tells what a thread takes of the processor; `wall`: it does not, and time that others have is in it. */
export type Clock = 'thread' | 'schedstat' | 'wall'

/** Its first number: nanoseconds that this very thread was on a processor. */
const SCHEDSTAT = '/proc/thread-self/schedstat'

const told = process as { threadCpuUsage?: () => { user: number; system: number } }

export const CPU_CLOCK: Clock = told.threadCpuUsage !== undefined ? 'thread' : hasSchedstat() ? 'schedstat' : 'wall'

/**
 * Nanoseconds that this thread has had a processor. Linux adds up in `schedstat` when the thread leaves it, or at a tick of the kernel, 4 ms
 * apart: so the thread sleeps first, for a moment that is not counted.
 */
export async function threadCpuNs(): Promise<number> {
  if (CPU_CLOCK === 'wall') return performance.now() * 1e6
  if (CPU_CLOCK === 'thread') {
    const { user, system } = told.threadCpuUsage!()
    return (user + system) * 1e3
  }
  await sleep(1)
  return Number(readFileSync(SCHEDSTAT, 'latin1').split(' ', 1)[0])
}

function hasSchedstat(): boolean {
  try {
    return Number(readFileSync(SCHEDSTAT, 'latin1').split(' ', 1)[0]) > 0
  } catch {
    return false
  }
}
