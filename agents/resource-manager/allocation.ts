import { ALL_BARS } from '../../engine/writer.ts'
import type { EndpointView, ServiceView } from '../kit/tables.ts'
import type { Allocation } from '../signals/capacity.ts'
import { CAPACITY_DEFAULT } from './costs.ts'

/** An endpoint that is filled further is slow before it is full. */
const FILL_SHARE = 0.8

/**
 * How the load of a service should be spread for what it is to cost: the cheapest endpoints first, each to four fifths of its capacity.
 *
 *   a  cost 1  ████████░░        price of a request at a time = cost ÷ capacity; of equal ones in proportion to what fits
 *   b  cost 3  ███░░░░░░░        what fits nowhere is the shortage
 *
 * `demand`: requests at a time. Endpoints that are barred or have no weight take none.
 */
export function planAllocation({ name, endpoints }: ServiceView, demand: number, goalPerHour: number): Allocation {
  const open = endpoints.filter(({ bars, weight }) => (bars & ALL_BARS) === 0 && weight > 0)
  const allotted = new Map<string, number>()
  let left = demand
  for (const equals of byPrice(open)) {
    const room = equals.reduce((sum, endpoint) => sum + fitsIn(endpoint), 0)
    const filled = room === 0 ? 0 : Math.min(1, left / room)
    for (const endpoint of equals) allotted.set(endpoint.id, filled * fitsIn(endpoint))
    left -= filled * room
  }
  const rows = open.map(endpoint => {
    const requests = allotted.get(endpoint.id) ?? 0
    const costPerHour = requests * priceOf(endpoint)
    return { id: endpoint.id, requests, share: demand === 0 ? 0 : requests / demand, costPerHour }
  })
  const costPerHour = rows.reduce((sum, row) => sum + row.costPerHour, 0)
  return {
    ...{ service: name, demand, shortage: Math.max(0, left), costPerHour, goalPerHour },
    ...{ isWithinGoal: costPerHour <= goalPerHour, endpoints: rows },
  }
}

/** Groups of one price, the cheapest first. */
function byPrice(endpoints: readonly EndpointView[]): EndpointView[][] {
  const groups = new Map<number, EndpointView[]>()
  for (const endpoint of endpoints) {
    const price = priceOf(endpoint)
    const group = groups.get(price)
    if (group === undefined) groups.set(price, [endpoint])
    else group.push(endpoint)
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group)
}

function priceOf({ cost = 0, capacity = CAPACITY_DEFAULT }: EndpointView): number {
  return cost / capacity
}

function fitsIn({ capacity = CAPACITY_DEFAULT }: EndpointView): number {
  return FILL_SHARE * capacity
}
