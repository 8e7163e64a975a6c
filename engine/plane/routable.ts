import { ALL_BARS } from '../memory/bars.ts'
import type { EndpointTable } from '../memory/endpoint-table.ts'

/** Whether picks take the row without panic: nothing speaks against it, and it has weight. Whoever is switched off is heard here. */
export function isRoutable(endpoints: EndpointTable, row: number): boolean {
  return (endpoints.bars(row) & ALL_BARS) === 0 && endpoints.hasWeight(row)
}
