import { SignalboxError } from '../errors.ts'
import { readAs } from './check.ts'
import { takeComing } from './coming.ts'
import { interpolateTree } from './interpolate.ts'
import { type Finding, formatPath, formatProblems } from './problems.ts'
import { type EndpointConfig, type EndpointInput, endpointSchema } from './schema.ts'

export type { EndpointConfig, EndpointInput } from './schema.ts'

/**
 * An endpoint that is added while the service runs, checked and with its defaults filled in. References to the
 * environment are not replaced: the endpoint may come from someone who must not read it.
 *
 * Throws SBX_ENDPOINT_INVALID with a line for each problem.
 */
export function completeEndpoint(input: EndpointInput): EndpointConfig {
  const findings: Finding[] = []
  const tree = interpolateTree(input, undefined, finding => findings.push(finding))
  // What a config may not say yet, an endpoint added later may not say either.
  takeComing({ services: { any: { endpoints: [tree] } } }, (path, message) =>
    findings.push({ path: path.slice(4), message }),
  )
  const read = readAs(endpointSchema, tree)
  if ('value' in read && findings.length === 0) return read.value
  if ('findings' in read) findings.push(...read.findings)
  const problems = findings.map(({ path, message }) => ({ path: formatPath(path), message }))
  // One problem fits the line; several get one each.
  const separator = problems.length === 1 ? ' ' : '\n'
  throw new SignalboxError('SBX_ENDPOINT_INVALID', `Cannot add endpoint:${separator}${formatProblems('', problems)}`)
}
