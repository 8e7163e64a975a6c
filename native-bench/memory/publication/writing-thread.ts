import { parentPort, workerData } from 'node:worker_threads'
import { EJECTED } from '../../../engine/memory/bars.ts'
import { attachRing } from '../../../engine/memory/ring.ts'
import { planeOf } from '../../../engine/plane/plane.ts'
import { below, createDice } from '../../../engine/policies/dice.ts'
import { attach } from '../../../engine/router/attachment.ts'
import { nowNs } from '../monotonic.ts'
import { Patience } from '../patience.ts'
import { FIRST, type Part, type PublicationAnswer, type PublicationOrder, SERVICE } from './news.ts'

/** Between what was seen and the next news, up to so long, ns: it finds whoever picks anywhere in its loop. */
const PAUSE_NS = 20_000

const { news, means, handle, seen: seenBuffer, port } = workerData as Part
const attachment = attach(handle)
const agent = planeOf(attachment)
const { index: service } = attachment.findService(SERVICE)
const seen = attachRing(seenBuffer).reader()
const patience = new Patience()
const dice = createDice(1)
const onSeen = (): void => {}

parentPort!.on('message', ({ flips }: PublicationOrder) => {
  const atNs = new Float64Array(flips)
  for (let flip = 0; flip < flips; flip++) {
    const isOut = flip % 2 === 0
    for (const until = nowNs() + below(dice(), PAUSE_NS); nowNs() < until; );
    const row = attachment.rowOfId(service, FIRST.id)
    atNs[flip] = nowNs()
    tell(isOut, row)
    patience.begin()
    while (seen.drain(onSeen) === 0) patience.wait()
  }
  parentPort!.postMessage({ atNs, changes: flips } satisfies PublicationAnswer)
})
parentPort!.postMessage('ready')

function tell(isOut: boolean, row: number): void {
  if (means !== 'memory') port.postMessage({ service: SERVICE, endpoint: FIRST.id, isOut })
  else if (news === 'bar') {
    if (!agent.endpoints.setBar(row, EJECTED, isOut)) throw new Error('Cannot measure: the bar was refused')
  } else if (isOut) attachment.writer.edit(edit => edit.remove(service, row))
  else attachment.writer.edit(edit => edit.add(service, FIRST))
}
