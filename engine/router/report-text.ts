import type { ServiceReport } from './report.ts'

/**
 * A report as text for people: the service, how its requests are spread, and a line for each endpoint.
 *
 *   api: least-request over 3 endpoints, 12 in flight
 *     priority 0: 2 of 3 healthy, 93 % of the requests
 *     a   weight 1      5 in flight   1.2 ms   picked with weight 1
 *     b   weight 0      0 in flight            not picked: ejected
 */
export function reportText(report: ServiceReport): string {
  const { service, policy, endpoints, priorities, inflight, shedFrom, switchedOff, table } = report
  const lines = [`${service}: ${policy} over ${endpoints.length} endpoints, ${inflight} in flight`]
  if (table !== null) lines.push(`  table of ${table.entries} entries over ${table.members} endpoints`)
  if (shedFrom !== null) lines.push(`  ${shedFrom} requests and cheaper ones are turned away`)
  if (switchedOff.length > 0) lines.push(`  switched off, what it wrote does not count: ${switchedOff.join(', ')}`)
  for (const each of priorities) {
    const degraded = each.degraded > 0 ? `, ${each.degraded} degraded` : ''
    const load = each.hasPanic ? 'health is ignored here' : `${each.healthyLoad + each.degradedLoad} % of the requests`
    lines.push(`  priority ${each.priority}: ${each.healthy} of ${each.endpoints} healthy${degraded}, ${load}`)
  }
  const lineup = endpoints.map(endpoint => [
    endpoint.id,
    `weight ${Number(endpoint.effectiveWeight.toFixed(3))}`,
    `${endpoint.inflight} in flight${endpoint.elsewhere > 0 ? ` and ${endpoint.elsewhere} elsewhere` : ''}`,
    endpoint.latencyUs === 0 ? '' : `${(endpoint.latencyUs / 1000).toFixed(1)} ms`,
  ])
  const widths = [0, 1, 2, 3].map(column => Math.max(0, ...lineup.map(cells => cells[column].length)))
  lineup.forEach((cells, i) => {
    const line = cells.map((cell, column) => cell.padEnd(widths[column])).join('   ')
    lines.push(`  ${line}   ${endpoints[i].why}`)
  })
  return lines.join('\n')
}
