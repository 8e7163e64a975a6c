import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { createSignalbox } from '../../engine/index.ts'
import { createFrontServer } from '../../engine/proxy/downstream/server.ts'
import { Front } from '../../engine/proxy/front.ts'
import { rulesPlanOf } from '../../engine/proxy/rules-plan.ts'
import { createCounters } from '../../engine/proxy/telling/counters.ts'
import { createDurations } from '../../engine/proxy/telling/durations.ts'
import type { Attachment } from '../../engine/router/attachment.ts'

/** What a proxy thread runs, in the thread of the test: for what can be seen only from within. Returns the front, its port, and where it is attached. */
export async function frontHere(
  t: TestContext,
  url: string,
): Promise<{ front: Front; attachment: Attachment; port: number }> {
  const box = await createSignalbox({ services: { api: { endpoints: [{ id: 'e0', url }] } } })
  t.after(() => box.close())
  const { config, attachment, handle } = box
  const plan = {
    ...rulesPlanOf(config, 1, false),
    handle,
    listen: [],
    counters: createCounters(),
    durations: createDurations(attachment.region.layout.services),
    isTracing: false,
  }
  const front = new Front(plan, attachment, () => {})
  const server = createFrontServer(front)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    front.upstreams.destroy()
    server.closeAllConnections()
    return new Promise<void>(resolve => server.close(() => resolve()))
  })
  return { front, attachment, port: (server.address() as AddressInfo).port }
}
