/** The admin listener's clock: the one place of this folder that asks for the time. */

/** Milliseconds since 1970, for people and for rates the dashboard derives. */
export function wallMs(): number {
  return Date.now()
}

/** Milliseconds that only grow. */
export function steadyMs(): number {
  return performance.now()
}

/** When this process began, in seconds since 1970, and the processor seconds all its threads have used. */
export function processTimes(): { startedS: number; cpuS: number } {
  const { user, system } = process.cpuUsage()
  return { startedS: wallMs() / 1000 - process.uptime(), cpuS: (user + system) / 1e6 }
}
