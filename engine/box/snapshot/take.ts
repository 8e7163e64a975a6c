import type { Config } from '../../config/schema.ts'
import { tickClock } from '../../memory/clock.ts'
import { endpointTextOf } from '../../memory/endpoint-table.ts'
import { readFacts, readServiceFacts } from '../../memory/facts.ts'
import { readSessions } from '../../memory/sessions.ts'
import type { Attachment } from '../../router/attachment.ts'
import { wallMs } from '../wall-clock.ts'
import type { TablesSnapshot } from './snapshot.ts'

const NO_SESSIONS = new Int32Array(0)

/**
 * What the tables say now. Only reads words, and of one structure: that which this thread has pinned, so that no row changes its tenant
 * meanwhile. Of the facts each is true on its own, and two may be some microseconds apart.
 *
 * `config` is the one in force. `withSessions`: whether any service keeps sessions.
 */
export function takeSnapshot(attachment: Attachment, config: Config, withSessions: boolean): TablesSnapshot {
  const { region, endpoints } = attachment
  const nowMs = tickClock(region)
  const numbers = new Int32Array(region.layout.rows).fill(-1)
  let count = 0
  const services = attachment.serviceTexts().flatMap(({ text, rows }, index) => {
    // One that leaves is in the tables for requests that began before, and nothing of it is to come back.
    const configured = Object.hasOwn(config.services, text.name) ? config.services[text.name]!.endpoints : undefined
    if (text.isGone === true || configured === undefined) return []
    const listed = rows.map(row => {
      numbers[row] = count++
      const text = endpointTextOf(attachment.endpoint(row))
      const [weight, priority] = [endpoints.weight(row), endpoints.priority(row)]
      return { ...text, weight, priority, facts: readFacts(region, row, nowMs) }
    })
    return [{ name: text.name, facts: readServiceFacts(region, index), configured, endpoints: listed }]
  })
  const sessions = withSessions ? readSessions(region, numbers, nowMs) : NO_SESSIONS
  return { takenAtMs: wallMs(), services, sessions }
}
