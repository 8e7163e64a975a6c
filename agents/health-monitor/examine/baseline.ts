import type { Anomaly, BaselineView, MetricName, Part } from '../../signals.ts'
import { compareWithUsual } from '../../skills/usual/anomaly-detection.ts'
import { type Finding, failed, passed, skipped } from './looks.ts'

/** So many times what is usual is not usual. */
const TIMES_MAX = 2

/** What the parts of a look have found, and what is odd besides, against what is usual. Figures: times the usual. */
export function lookAtBaseline(
  parts: readonly Part[],
  usual: ReadonlyMap<MetricName, BaselineView | null>,
  anomalies: readonly Anomaly[],
): Finding {
  const compared = compareWithUsual(usual, anomalies)
  if ('message' in compared) return skipped(compared.message)
  const figures: Record<string, number> = {}
  for (const { figures: found } of parts) {
    for (const [metric, view] of usual) {
      const value = found[metric]
      if (value !== undefined && view !== null && view.mean > 0) figures[metric] = value / view.mean
    }
  }
  const far = Object.entries(figures).filter(([, times]) => times > TIMES_MAX)
  const said = [
    ...far.map(([metric, times]) => `${metric} ${times.toFixed(1)} times the usual`),
    ...anomalies.map(({ metric }) => `${metric} is not as usual`),
  ]
  return said.length === 0 ? passed('as usual', figures) : failed(said.join(', '), figures)
}
