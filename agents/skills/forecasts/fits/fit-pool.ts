import { extname } from 'node:path'
import fit, { type FitResult, type FitTask, stepsOf } from './fit-task.ts'

/** Less than this is done here: it takes some ms at most, and a thread takes longer to start. */
export const STEPS_HERE_MAX = 300_000

/**
 * Has something computed: a small thing here, at once; a large one in a thread of Piscina that is made for it and gone afterwards, for there
 * are minutes from one to the next. When `signal` is aborted the thread is ended, wherever it is.
 *
 * Piscina is loaded when the first large thing is asked for, and by nobody before: it takes some 90 ms (Node 20, two shared cores), which an
 * agent can spare an hour after it has begun, and not while somebody waits for it to come back.
 */
export async function fitElsewhere<Task extends FitTask>(
  task: Task,
  signal: AbortSignal,
): Promise<FitResult<Task['kind']>> {
  if (stepsOf(task) <= STEPS_HERE_MAX) return fit(task) as FitResult<Task['kind']>
  const { Piscina } = await import('piscina')
  signal.throwIfAborted()
  const pool = new Piscina({
    filename: new URL(`./fit-task${extname(import.meta.url)}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: 0,
    recordTiming: false,
    // In the default mode the waiting thread blocks.
    atomics: 'async',
  })
  // A thread that cannot be started says 'error' here, and `run` says nothing.
  const fault = new Promise<never>((_, reject) => pool.on('error', reject))
  try {
    return await Promise.race([pool.run(task, { signal }) as Promise<FitResult<Task['kind']>>, fault])
  } finally {
    await pool.destroy()
  }
}
