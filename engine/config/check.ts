import type { z } from 'zod'
import { disagreements, type Parts } from './agreement.ts'
import { takeComing } from './coming.ts'
import { listenSchema } from './listen-schema.ts'
import { outlierSchema } from './outlier-schema.ts'
import { type Finding, formatPath, type Path } from './problems.ts'
import { routeSchema } from './route-schema.ts'
import { adaptiveConcurrencySchema, adminSchema, type Config, configSchema, endpointSchema } from './schema.ts'
import { upstreamTlsSchema } from './upstream-schema.ts'
import { kindOf, suggestedKey } from './wording.ts'

/**
 * Judges plain data that has been interpolated and belongs to us: keys of coming versions are taken out of it. All that
 * is wrong is found in one go: what each key must be, and what keys must be to each other, as far as they can be read.
 */
export function checkTree(
  tree: unknown,
  options: { needsRoutes: boolean },
): { config: Config } | { findings: Finding[] } {
  const findings: Finding[] = []
  takeComing(tree, (path, message) => findings.push({ path, message, isOnKey: true }))
  const read = readAs(configSchema, tree)
  if ('findings' in read) findings.push(...read.findings)
  findings.push(...disagreements(tree, 'value' in read ? read.value : readableParts(tree), options))
  return 'value' in read && findings.length === 0 ? { config: read.value } : { findings: withoutEchoes(findings, tree) }
}

/** Reads plain data by one schema: the value, or what is wrong in the words of the house. */
export function readAs<Out>(schema: z.ZodType<Out>, tree: unknown): { value: Out } | { findings: Finding[] } {
  const result = schema.safeParse(tree, { error: houseMessage })
  if (result.success) return { value: result.data }
  return { findings: result.error.issues.flatMap(issue => explain(issue, [])) }
}

/**
 * Drops what a person would not call a mistake of its own: a second finding at a place that has one, and a missing key
 * whose misspelling is reported beside it.
 */
export function withoutEchoes(findings: readonly Finding[], tree: unknown): Finding[] {
  const meant = new Set<string>()
  for (const { path, message } of findings) {
    const suggestion = suggestedKey(message)
    if (suggestion !== undefined) meant.add(formatPath([...path.slice(0, -1), suggestion]))
  }
  const seen = new Set<string>()
  return findings.filter(finding => {
    const place = formatPath(finding.path)
    if (seen.has(place) || (meant.has(place) && lookUp(tree, finding.path) === undefined)) return false
    // A key written twice has a second place of its own, and what the first one says is judged too.
    const isElsewhere = finding.isOnKey === true && finding.offset !== undefined
    if (!isElsewhere) seen.add(place)
    return true
  })
}

/** The words for what zod finds by itself; leaves and maps of keys bring their own. */
function houseMessage(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'too_small') return 'is an empty list; write at least one'
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_union') return undefined
  const wanted = issue.code === 'invalid_type' && issue.expected === 'array' ? 'a list' : 'a map of keys'
  if (issue.input === undefined) return `missing; write ${wanted}`
  return issue.input === null
    ? `has no value; write ${wanted}`
    : `${kindOf(issue.input)} is not ${wanted}; write ${wanted}`
}

/** One zod issue as the mistakes it stands for. */
function explain(issue: z.core.$ZodIssue, above: Path): Finding[] {
  const path = [...above, ...(issue.path as Path)]
  switch (issue.code) {
    case 'unrecognized_keys': {
      const messages = issue.message.split('\n')
      return issue.keys.map((key, index) => ({ path: [...path, key], message: messages[index]!, isOnKey: true }))
    }
    case 'invalid_key':
      return [{ path, message: issue.issues[0]!.message, isOnKey: true }]
    case 'invalid_union': {
      const branches = issue.errors.filter(branch => !branch.some(isOtherKind))
      if (branches.length === 1) return branches[0]!.flatMap(each => explain(each, path))
      return [{ path, message: issue.message }]
    }
    default:
      return [{ path, message: issue.message }]
  }
}

/** Whether a branch of a union failed at its door: what is written is a map, say, and the branch reads text. */
function isOtherKind(issue: z.core.$ZodIssue): boolean {
  if (issue.path.length > 0) return false
  return issue.code === 'invalid_type' || (issue.code === 'custom' && issue.params?.isOtherKind === true)
}

/** What can be read of a tree that as a whole cannot. */
function readableParts(tree: unknown): Parts {
  const root = mapOf(tree)
  const admin = root.admin === undefined ? {} : root.admin
  const services: Parts['services'] = {}
  for (const [name, written] of Object.entries(mapOf(root.services))) {
    const service = mapOf(written)
    services[name] = {
      endpoints: listOf(service.endpoints).map(each => endpointSchema.safeParse(each).data),
      discover: listOf(service.discover),
      outlier: outlierSchema.safeParse(service.outlier ?? {}).data,
      adaptiveConcurrency: adaptiveConcurrencySchema.safeParse(service.adaptiveConcurrency).data,
      tls: upstreamTlsSchema.safeParse(service.tls).data,
    }
  }
  return {
    listen: listenSchema.safeParse(root.listen ?? []).data,
    admin: adminSchema.safeParse(admin).data,
    services,
    routes: listOf(root.routes).map(each => routeSchema.safeParse(each).data),
  }
}

function lookUp(tree: unknown, path: Path): unknown {
  return path.reduce(
    (value: unknown, step) => (isHolder(value) && Object.hasOwn(value, step) ? value[step] : undefined),
    tree,
  )
}

function isHolder(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null
}

function mapOf(value: unknown): Record<string, unknown> {
  return isHolder(value) && !Array.isArray(value) ? value : {}
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
