import { setTimeout as after } from 'node:timers/promises'
import type { Contestant, Side } from '../contest.ts'
import { treeOf } from '../load/process-tree.ts'
import type { Program } from '../load/programs.ts'
import type { ProxySide } from './sides.ts'
import type { Stage } from './stage.ts'

/**
 * A proxy on a stage. It is stopped (SIGSTOP) while others have their turn, so that what it does when nobody asks, health checks or agents or
 * timers, takes nothing from them: they share a core. In its own turn all of that counts.
 *
 *     begin ── check ── stop ──┬── others ──┬── continue ── wake ── turn ── stop ── …
 */
export function sideOn(
  stage: Stage,
  proxy: ProxySide,
  turn: (program: Program) => Promise<readonly number[]>,
  check: (program: Program) => Promise<void> = async () => {},
): Side {
  return {
    name: proxy.name,
    async begin(): Promise<Contestant | undefined> {
      const program = await stage.start(proxy)
      if (program === undefined) return undefined
      const signal = (name: NodeJS.Signals): void => {
        try {
          for (const pid of treeOf(program.pid)) process.kill(pid, name)
        } catch {
          throw new Error(`Cannot measure: ${proxy.name} has ended: ${program.output()}`)
        }
      }
      try {
        await check(program)
      } catch (error) {
        await program.end()
        throw error
      }
      signal('SIGSTOP')
      return {
        async turn() {
          signal('SIGCONT')
          await after(proxy.wakeMs ?? 0)
          const figures = await turn(program)
          signal('SIGSTOP')
          return figures
        },
        close: () => program.end(),
      }
    },
  }
}
