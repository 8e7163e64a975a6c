import type { Load } from '../memory/reported-load.ts'

/** The header in which endpoints say how loaded they are. */
export const LOAD_HEADER = 'endpoint-load-metrics'

/** A header is no place for more; whoever sends more is not read. */
const CHARACTERS_MAX = 4096

const CPU = 'cpu_utilization'
const MEMORY = 'mem_utilization'
const APPLICATION = 'application_utilization'
/** A metric of our own naming: the report has none for it. */
const NAMED = 'named_metrics'
const INFLIGHT = 'inflight'

/**
 * Reads what an endpoint says of its load; undefined where that is nothing, or nothing that can be read.
 *
 *   TEXT cpu_utilization=0.3, mem_utilization=0.8, application_utilization=0.5, named_metrics.inflight=4
 *   JSON {"cpu_utilization": 0.3, "mem_utilization": 0.8, "named_metrics": {"inflight": 4}}
 *   cpu_utilization=0.3, mem_utilization=0.8                      without a word before: as TEXT
 *
 * A share above 1 is 1: CPU time may exceed what a container was promised. One below 0, or no number, is as if it was not said. `inflight` is how
 * many requests it has, this one among them, and no share.
 *
 * Source    Open Request Cost Aggregation (cncf/xds, xds.data.orca.v3.OrcaLoadReport) as Envoy reads it. Deviation: its binary form is not
 *           read.
 */
export function readLoadReport(text: string): Load | undefined {
  if (text.length > CHARACTERS_MAX) return undefined
  const [, form, rest] = /^\s*(?:(TEXT|JSON)\s+)?(.*)$/s.exec(text) as unknown as [string, string | undefined, string]
  const figures = form === 'JSON' ? readJson(rest) : readPairs(rest)
  const load = {
    cpu: share(figures.get(CPU)),
    memory: share(figures.get(MEMORY)),
    utilisation: share(figures.get(APPLICATION)),
    inflight: count(figures.get(`${NAMED}.${INFLIGHT}`)),
  }
  return Object.values(load).every(figure => figure === undefined) ? undefined : load
}

function readJson(text: string): Map<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    const figures = entriesOf(value)
    const named = entriesOf(new Map(figures).get(NAMED))
    return new Map([...figures, ...named.map(([name, figure]) => [`${NAMED}.${name}`, figure] as const)])
  } catch {
    return new Map()
  }
}

function readPairs(text: string): Map<string, unknown> {
  const figures = new Map<string, unknown>()
  for (const pair of text.split(',')) {
    const at = pair.indexOf('=')
    const value = pair.slice(at + 1).trim()
    if (at > 0 && value !== '') figures.set(pair.slice(0, at).trim(), Number(value))
  }
  return figures
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value < 2 ** 31 ? Math.round(value) : undefined
}

function share(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? Math.min(1, value) : undefined
}
