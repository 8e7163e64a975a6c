/**
 * The Prometheus text format 0.0.4: for each family a HELP line, a TYPE line, and its samples together.
 *
 *   # HELP signalbox_endpoint_inflight Requests sent and not settled.
 *   # TYPE signalbox_endpoint_inflight gauge
 *   signalbox_endpoint_inflight{service="api",endpoint="a"} 2
 *
 * Source: prometheus.io/docs/instrumenting/exposition_formats.
 */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** A summary here has a sum and a count, or quantiles over a window of time, for which there is neither. */
export type FamilyType = 'counter' | 'gauge' | 'summary' | 'histogram'
export type Labels = Readonly<Record<string, string>>

export class Exposition {
  readonly #lines: string[] = []

  /** Begins a family and returns what writes its samples; `suffix` is for the parts of a summary or histogram. */
  family(name: string, type: FamilyType, help: string): (value: number, labels?: Labels, suffix?: string) => void {
    this.#lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`)
    return (value, labels = {}, suffix = '') => {
      this.#lines.push(`${name}${suffix}${printLabels(labels)} ${printValue(value)}`)
    }
  }

  /** Begins a family of histograms. `buckets` are not cumulated; one stands for each of `boundsS`, and one for what is above. */
  histograms(
    name: string,
    help: string,
    boundsS: readonly number[],
  ): (buckets: readonly number[], sumS: number, labels: Labels) => void {
    const sample = this.family(name, 'histogram', help)
    return (buckets, sumS, labels) => {
      let count = 0
      buckets.forEach((each, i) => {
        count += each
        sample(count, { ...labels, le: i < boundsS.length ? String(boundsS[i]) : '+Inf' }, '_bucket')
      })
      sample(sumS, labels, '_sum')
      sample(count, labels, '_count')
    }
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`
  }
}

function printLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function printValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return String(value)
}

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')

export const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"')
