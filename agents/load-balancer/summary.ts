import type { ServiceView } from '../kit/tables.ts'
import type { LoadSummary } from '../signals.ts'
import type { RowRate } from '../skills/traffic/load-distribution.ts'
import type { LoadSamples } from './loads.ts'

/** The busiest: of those with less others need not know. */
const ROWS_MAX = 100

/** What this node bears on the endpoints it has sent anything to, for the balancers of other nodes; the busiest first. */
export function summaryOf(
  services: readonly ServiceView[],
  samples: LoadSamples,
  rates: ReadonlyMap<number, RowRate>,
): LoadSummary[] {
  return services
    .flatMap(({ name, endpoints }) =>
      endpoints.flatMap(({ row, generation, id, latencyUs }) => {
        const rate = rates.get(row)
        const perSecond = rate?.generation === generation ? rate.perSecond : 0
        const inflight = samples.meanOf(row, generation)
        return perSecond === 0 && inflight === 0 ? [] : [{ service: name, id, inflight, perSecond, latencyUs }]
      }),
    )
    .sort((a, b) => b.inflight - a.inflight || b.perSecond - a.perSecond)
    .slice(0, ROWS_MAX)
}
