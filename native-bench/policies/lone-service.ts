import { TableKeeper } from '../../engine/box/table-keeper.ts'
import { createRegion, handleOf } from '../../engine/memory/region.ts'
import { completeOptions } from '../../engine/policies/policy-options.ts'
import { findPolicy } from '../../engine/policies/registry.ts'
import { type Attachment, attach } from '../../engine/router/attachment.ts'
import { Router } from '../../engine/router/router.ts'
import type { Picking } from './pick-and-settle.ts'

/** Bytes for the tables of one service: three rings of 160 points for each of 10,000 endpoints of weight 2. */
const ROOM = 1 << 26

export interface LoneService extends Picking {
  readonly attachment: Attachment
  close(): Promise<void>
}

/** What the one service of the region is called. */
export const SERVICE = 'bench'

/**
 * A service in a region of its own, with so many endpoints of weight 1, 2, 3, 1, 2 …, and its table where the policy reads one. There are
 * seats for so many threads, this one and that which builds the table among them.
 */
export async function loneService(
  name: string,
  options: Readonly<Record<string, string | number>>,
  endpoints: number,
  seats = 4,
): Promise<LoneService> {
  const policy = findPolicy(name)!
  const isTable = policy.table?.(completeOptions(policy.options, options)) !== undefined
  const attachment = attach(handleOf(createRegion({ seats, rows: endpoints, choices: isTable ? ROOM : 0 })))
  attachment.writer.edit(edit => {
    const service = edit.putService({ name: SERVICE, policy: { name, ...options }, panicThreshold: 0.5 })
    for (let i = 0; i < endpoints; i++) {
      const url = `http://127.0.0.1:${1024 + i}`
      edit.add(service, { id: `e${i}`, url, zone: '', metadata: {}, weight: 1 + (i % 3), priority: 0 })
    }
  })
  const tables = new TableKeeper(attachment, () => {})
  await tables.start()
  return {
    router: new Router(attachment, SERVICE),
    attachment,
    isKeyed: policy.isKeyed === true,
    async close() {
      await tables.close()
      attachment.close()
    },
  }
}
