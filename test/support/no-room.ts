import { syncBuiltinESMExports } from 'node:module'
import type { TestContext } from 'node:test'
import workerThreads from 'node:worker_threads'

/** As if the system had no room for another thread, until the function returned is called: what Node throws at a limit of processes. */
export function noRoomForThreads(t: TestContext): { refused: () => number; end: () => void } {
  const { Worker } = workerThreads
  let refused = 0
  const set = (worker: typeof Worker): void => {
    workerThreads.Worker = worker
    syncBuiltinESMExports()
  }
  class Refused {
    constructor() {
      refused++
      throw Object.assign(new Error('Worker initialization failure: EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' })
    }
  }
  set(Refused as unknown as typeof Worker)
  const end = (): void => set(Worker)
  t.after(end)
  return { refused: () => refused, end }
}
