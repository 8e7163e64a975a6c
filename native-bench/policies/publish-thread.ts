import { parentPort, workerData } from 'node:worker_threads'
import { attach } from '../../engine/router/attachment.ts'

export interface PublishThreadStart {
  readonly handle: unknown
  readonly service: string
  readonly perSecond: number
}

export type PublishThreadTask = 'publish' | 'rest' | 'leave'

/** To 'publish', once it does: 0. To 'rest': how many a second there were. */
export type PublishThreadAnswer = number

const { handle, service, perSecond } = workerData as PublishThreadStart
const attachment = attach(handle)
const { index } = attachment.findService(service)
const { endpoints, writer } = attachment
const rows = attachment.serviceTexts()[index]!.rows

let made = 0
let since = 0
let timer: NodeJS.Timeout | undefined

/**
 * One publication: an endpoint has another weight (1, 2 or 3), and there is a structure of a new version, all of it written anew, as when an
 * endpoint comes or goes. Every thread lets go of the one before on its next pick, and derives what follows from it. Which endpoints there
 * are stays the same, so that what is picked from is what it was; no choice table is built anew, which another thread would do.
 */
function publish(): void {
  writer.edit(edit => {
    endpoints.setWeight(rows[made % rows.length]!, 1 + (made % 3))
    edit.setDecision({ term: 1, revision: made })
  })
  made++
}

/** Timers turn once a millisecond at best: what is due by then is made up for, at most ten at once. */
function turn(): void {
  const due = Math.floor(((performance.now() - since) * perSecond) / 1000)
  for (let i = 0; i < 10 && made < due; i++) publish()
  timer = setTimeout(turn, 1)
}

const acts: Readonly<Record<PublishThreadTask, () => void>> = {
  publish() {
    made = 0
    since = performance.now()
    publish()
    turn()
    parentPort!.postMessage(0 satisfies PublishThreadAnswer)
  },
  rest() {
    clearTimeout(timer)
    parentPort!.postMessage(((made * 1000) / (performance.now() - since)) satisfies PublishThreadAnswer)
  },
  leave() {
    clearTimeout(timer)
    attachment.close()
    parentPort!.close()
  },
}
parentPort!.on('message', (task: PublishThreadTask) => acts[task]())
// It is there.
parentPort!.postMessage(0)
