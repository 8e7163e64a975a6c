import { ALL_BARS } from '../memory/bars.ts'
import type { EndpointTable } from '../memory/endpoint-table.ts'

/**
 * Whether picks take the row without panic: nothing speaks against it but what is `excused`, and it has weight. Agents that are
 * switched off are heard here.
 */
export function isRoutable(endpoints: EndpointTable, row: number, excused = 0): boolean {
  return (endpoints.bars(row) & ALL_BARS & ~excused) === 0 && endpoints.hasWeight(row)
}
