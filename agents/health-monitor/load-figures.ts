/** What an endpoint says of how much of its capacity it uses: shares from 0 to 1, undefined for what it does not say or nobody can believe. */
export interface Load {
  readonly cpu?: number
  readonly memory?: number
  readonly disk?: number
  readonly network?: number
  /** Of all it has, as the application sees it. */
  readonly utilisation?: number
  /** It wants no more at a time. */
  readonly maxConnections?: number
}

type Field = keyof Load

/** Names under which the figures come, in lower case and without what joins words: those of ORCA first, as in the header of engine/upstream/load-report.ts. */
const NAMES: ReadonlyMap<string, Field> = new Map<string, Field>([
  ...named('cpu', 'cpuutilization', 'cpu', 'cpuusage'),
  ...named('memory', 'memutilization', 'mem', 'memory', 'memoryusage', 'memoryutilization'),
  ...named('disk', 'disk', 'diskusage', 'diskutilization'),
  ...named('network', 'network', 'networkusage', 'networkutilization'),
  ...named('utilisation', 'applicationutilization', 'utilization', 'utilisation', 'load'),
  ...named('maxConnections', 'maxconnections'),
])

function named(field: Field, ...names: string[]): [string, Field][] {
  return names.map(name => [name, field])
}

/** Reads the figures of an object, and of those in it that are called so: `resources`, `load`, `named_metrics`. */
export function readLoad(value: unknown): Load {
  if (!isMap(value)) return {}
  const load: { -readonly [key in Field]?: number } = {}
  for (const [name, each] of Object.entries(value)) {
    const field = NAMES.get(plain(name))
    if (isMap(each)) {
      if (/^(resources|load|metrics|namedmetrics|utilization)$/.test(plain(name)))
        Object.assign(load, readLoad(deepened(each)))
      continue
    }
    if (field === undefined) continue
    const believed = field === 'maxConnections' ? countOf(each) : shareOf(each)
    if (believed !== undefined) load[field] ??= believed
  }
  return load
}

/** Beyond a share of everything some count what they lend; beyond twice that nobody knows what is meant: percent, bytes. */
const SHARE_MAX = 2

function shareOf(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= SHARE_MAX ? Math.min(1, Math.abs(value)) : undefined
}

function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined
}

/** One level down and no further, whatever is in there. */
function deepened(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => !isMap(each)))
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, '')
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** JSON, or undefined for what is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
