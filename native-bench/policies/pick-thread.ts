import { parentPort, workerData } from 'node:worker_threads'
import { attach } from '../../engine/router/attachment.ts'
import { Router } from '../../engine/router/router.ts'
import { threadCpuNs } from '../cpu-time.ts'
import { readInto } from '../one-by-one.ts'
import { pickAndSettle } from './pick-and-settle.ts'

export interface PickThreadStart {
  readonly handle: unknown
  readonly service: string
  readonly isKeyed: boolean
}

/** A batch, and then single ones; undefined: leave. */
export type PickThreadTask = { readonly picks: number; readonly readings: number } | undefined

export interface PickThreadAnswer {
  /** Of the processor, for each pick with its settle. */
  readonly cpuNs: number
  /** What single ones took, the clock's own cost in it. */
  readonly readings: Float64Array
}

const { handle, service, isKeyed } = workerData as PickThreadStart
const attachment = attach(handle)
const batch = pickAndSettle({ router: new Router(attachment, service), isKeyed })

parentPort!.on('message', async (task: PickThreadTask) => {
  if (task === undefined) {
    attachment.close()
    parentPort!.close()
    return
  }
  const { picks } = task
  const before = await threadCpuNs()
  batch(picks)
  const cpuNs = ((await threadCpuNs()) - before) / picks
  const readings = new Float64Array(task.readings)
  readInto(readings, i => batch(1, i))
  parentPort!.postMessage({ cpuNs, readings } satisfies PickThreadAnswer, [readings.buffer])
})
// It is there.
parentPort!.postMessage(0)
