import type { Router } from '../../router/router.ts'
import { LOAD_HEADER, readLoadReport } from '../../upstream/load-report.ts'

/** Notes what the head of an answer says of the load of the endpoint it came from. `fields`: [name, value, …] as they came. */
export function hearLoad(router: Router, ticket: number, fields: readonly string[]): void {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!
    if (name.length !== LOAD_HEADER.length || name.toLowerCase() !== LOAD_HEADER) continue
    const load = readLoadReport(fields[i + 1]!)
    if (load !== undefined) router.reportLoad(ticket, load)
    return
  }
}
