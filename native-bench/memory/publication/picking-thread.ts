import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { attachRing } from '../../../engine/memory/ring.ts'
import { rowOfTicket } from '../../../engine/memory/ticket.ts'
import { attach } from '../../../engine/router/attachment.ts'
import { Router } from '../../../engine/router/router.ts'
import { nowNs } from '../monotonic.ts'
import { type Part, type PublicationAnswer, type PublicationOrder, SERVICE } from './news.ts'

/** Picks after the last news, that must change nothing. */
const PICKS_AFTER = 1000
/** Picks between two looks at the clock, and how long no news may come, ns. */
const PICKS_UNSEEN = 1 << 16
const PATIENCE_NS = 20e9

const { means, handle, seen: seenBuffer, port } = workerData as Part
const seen = attachRing(seenBuffer).writer()
const router = new Router(attach(handle), SERVICE)

let atNs = new Float64Array(0)
let changes = 0
let onLast = (): void => {}
/** Without shared tables this is what a thread knows of its endpoints. */
let isFirstOut = false

if (means === 'message') port.on('message', hear)

const look = means === 'polled message' ? lookForMessage : pickRow

parentPort!.on('message', async ({ flips }: PublicationOrder) => {
  atNs = new Float64Array(flips)
  changes = 0
  // Before any news comes.
  const row = look()
  parentPort!.postMessage({ atNs, changes } satisfies PublicationAnswer)
  if (means !== 'message') watch(flips, row)
  else {
    await new Promise<void>(resolve => {
      onLast = resolve
    })
  }
  parentPort!.postMessage({ atNs, changes } satisfies PublicationAnswer)
})
parentPort!.postMessage('ready')

function pickRow(): number {
  const ticket = router.pick()
  router.settle(ticket, 'ok', 1)
  return rowOfTicket(ticket)
}

/** Picks, and then looks who may be picked. */
function lookForMessage(): number {
  pickRow()
  const got = receiveMessageOnPort(port)
  if (got !== undefined) isFirstOut = got.message.isOut
  return isFirstOut ? 1 : 0
}

/** Looks without pause who is picked, until that has changed so often; and then a while longer. */
function watch(flips: number, first: number): void {
  let row = first
  let lookedUntilNs = nowNs() + PATIENCE_NS
  for (let picks = 0; changes < flips; picks++) {
    const now = look()
    if (now !== row) {
      note()
      row = now
      lookedUntilNs = nowNs() + PATIENCE_NS
    }
    if (picks % PICKS_UNSEEN === 0 && nowNs() > lookedUntilNs) throw new Error('Cannot measure: no news has come')
  }
  for (let picks = 0; picks < PICKS_AFTER; picks++) if (look() !== row) changes++
}

function hear({ isOut }: { isOut: boolean }): void {
  if (isOut !== isFirstOut) note()
  isFirstOut = isOut
  if (changes === atNs.length) onLast()
}

function note(): void {
  atNs[changes++] = nowNs()
  seen.write(0)
}
