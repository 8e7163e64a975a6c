import type { EndpointText } from '../memory/endpoint-table.ts'

/** One address that can take a request, as `router.endpoint(ticket)` gives it. Frozen, and the same object each time. */
export interface Endpoint extends EndpointText {
  /** Its row in the endpoint table: stable while it is a member of the service. */
  readonly row: number
}
