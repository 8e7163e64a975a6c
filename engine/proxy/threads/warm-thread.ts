import { Worker } from 'node:worker_threads'
import { inheritedOptions } from '../../box/worker-options.ts'
import type { ThreadPlan, ToThread } from '../plan.ts'

/** Young generation of a thread, in MiB: with less, collecting what requests leave behind costs a fifth of the throughput. */
const YOUNG_GENERATION_MB = 64

/** A thread that has loaded its modules and waits to be told what to do. */
let waiting: Worker | undefined

/**
 * Starts a proxy thread that waits for its plan: most of what a start takes is loading modules, and an engine that stands by has the
 * time for that. It keeps no process alive while it waits.
 */
export function warmThread(): void {
  if (waiting !== undefined) return
  const worker = spawn('signalbox-proxy', null)
  waiting = worker
  worker.unref()
  // One that ends while it waits is not missed: then the first thread is started as all others are.
  worker.once('error', () => {})
  worker.once('exit', () => {
    if (waiting === worker) waiting = undefined
  })
}

/** A proxy thread with this plan: the one that waits, if there is one, or another. */
export function startThread(name: string, plan: ThreadPlan): Worker {
  const worker = waiting
  if (worker === undefined) return spawn(name, plan)
  waiting = undefined
  worker.removeAllListeners()
  worker.ref()
  worker.postMessage({ type: 'plan', plan } satisfies ToThread)
  return worker
}

function spawn(name: string, workerData: ThreadPlan | null): Worker {
  return new Worker(new URL('./thread.js', import.meta.url), {
    name,
    workerData,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    ...inheritedOptions(),
  })
}
