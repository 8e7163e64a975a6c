import { parentPort, workerData } from 'node:worker_threads'
import { EJECTED } from '../../../engine/memory/bars.ts'
import { attachRing } from '../../../engine/memory/ring.ts'
import { planeOf } from '../../../engine/plane/plane.ts'
import { below, createDice } from '../../../engine/policies/dice.ts'
import { attach } from '../../../engine/router/attachment.ts'
import { nowNs } from '../monotonic.ts'
import { FIRST, type Part, type PublicationAnswer, type PublicationOrder, SERVICE } from './news.ts'

/** Between what was seen and the next news, up to so long, ns: it finds whoever picks anywhere in its loop. */
const PAUSE_NS = 20_000
/** How long news may take to be seen, in ms, before nobody picks any more. */
const SEEN_MS = 20_000

const { news, means, handle, seen: seenBuffer, port } = workerData as Part
const attachment = attach(handle)
const agent = planeOf(attachment)
const { index: service } = attachment.findService(SERVICE)
const seen = attachRing(seenBuffer).reader()
const dice = createDice(1)
const onSeen = (): void => {}

parentPort!.on('message', ({ flips }: PublicationOrder) => {
  const atNs = new Float64Array(flips)
  const writesNs = new Float64Array(flips)
  for (let flip = 0; flip < flips; flip++) {
    const isOut = flip % 2 === 0
    for (const until = nowNs() + below(dice(), PAUSE_NS); nowNs() < until; );
    const row = attachment.rowOfId(service, FIRST.id)
    atNs[flip] = nowNs()
    tell(isOut, row)
    writesNs[flip] = nowNs() - atNs[flip]!
    // As an agent that has written sleeps, so that its core is free for whoever picks.
    if (!seen.wait(SEEN_MS)) throw new Error('Cannot measure: the news was not seen')
    seen.drain(onSeen)
  }
  parentPort!.postMessage({ atNs, writesNs, changes: flips } satisfies PublicationAnswer)
})
parentPort!.postMessage('ready')

function tell(isOut: boolean, row: number): void {
  if (means !== 'memory') port.postMessage({ service: SERVICE, endpoint: FIRST.id, isOut })
  else if (news === 'bar') {
    if (!agent.endpoints.setBar(row, EJECTED, isOut)) throw new Error('Cannot measure: the bar was refused')
  } else if (isOut) attachment.writer.edit(edit => edit.remove(service, row))
  else attachment.writer.edit(edit => edit.add(service, FIRST))
}
