import { readFileSync, readlinkSync } from 'node:fs'

/** What the kernel calls this thread; 0 where it does not say (it is not Linux). */
export function threadOfKernel(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1))
  } catch {
    return 0
  }
}

/**
 * How long a thread of this process has been ready to run and had no core, in ms since it began; 0 where the kernel does not
 * say. Of a thread that is silent this tells who is to blame: one that hangs runs or sleeps, one that starves waits here.
 *
 * Cost    some 20 to 100 µs: it is read of those alone that are suspected.
 * Source  Linux, sched-stats: the second figure of /proc/<pid>/task/<tid>/schedstat, in ns.
 */
export function waitedMs(thread: number): number {
  if (thread === 0) return 0
  try {
    return Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'latin1').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}
