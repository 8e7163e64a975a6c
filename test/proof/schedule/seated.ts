import { atomics } from '../../../engine/memory/atomics.ts'
import { EndpointTable } from '../../../engine/memory/endpoint-table.ts'
import { MAGIC_AT } from '../../../engine/memory/layout.ts'
import { OutcomeWriter } from '../../../engine/memory/outcome-ring.ts'
import type { Region } from '../../../engine/memory/region.ts'
import { ServiceTable } from '../../../engine/memory/service-table.ts'
import type { ServiceText } from '../../../engine/memory/service-text.ts'
import { slotOf } from '../../../engine/memory/slots.ts'
import { Tally } from '../../../engine/memory/tally.ts'
import type { Attachment } from '../../../engine/router/attachment.ts'
import { Router } from '../../../engine/router/router.ts'
import { PinnedReader } from './region-world.ts'

/**
 * The shipped router on a seat that was taken, and has pinned `pinned`, before the run began. What an Attachment does
 * beyond that (taking the seat, a timer, the end of the process) has no part in the order of steps.
 */
export function routerOnSeat(region: Region, seat: number, pinned: number): { router: Router; reader: PinnedReader } {
  const reader = new PinnedReader(region, seat, pinned)
  const attachment = {
    region,
    seat,
    isClosed: false,
    endpoints: new EndpointTable(region),
    services: new ServiceTable(region),
    tally: new Tally(region, seat),
    outcomes: new OutcomeWriter(region, seat),
    get pinned(): number {
      return reader.pinned
    },
    get slot(): number {
      return slotOf(reader.pinned)
    },
    catchUp(): number {
      reader.catchUp()
      return reader.pinned
    },
    findService: (name: string) => ({ index: 0, text: { name } as ServiceText }),
  }
  return { router: new Router(attachment as unknown as Attachment, 'api'), reader }
}

/** A request is under way: a step of its own, at which others may go on. */
export function underWay(region: Region): void {
  atomics.load(region.words, MAGIC_AT)
}
