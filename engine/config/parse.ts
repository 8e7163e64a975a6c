import { checkTree, withoutEchoes } from './check.ts'
import { type Environment, interpolateTree } from './interpolate.ts'
import { type ConfigProblem, type Finding, formatPath } from './problems.ts'
import type { Config } from './schema.ts'
import { readYaml, type YamlTree } from './yaml-tree.ts'

/** The largest text that is read. 10,000 endpoints take about a quarter of it. */
export const CONFIG_BYTES_MAX = 4 * 2 ** 20

/** Either the config, or everything that is wrong with it. */
export type ConfigResult = { config: Config } | { problems: ConfigProblem[] }

/**
 * Reads a config from YAML or JSON. Never throws.
 *
 * All problems of the text are found at once, in its order. Only a text that is not YAML at all gives nothing but its
 * syntax errors: what stands around them cannot be trusted.
 *
 * `env` is where `${NAME}` is looked up, `process.env` by default. `file` is put into each problem and never opened.
 * `inspect` judges what a good config leads to outside of its text; its findings get their place in the text too.
 */
export function parseConfig(text: string, options: ParseOptions = {}): ConfigResult {
  const result = parseLocated(text, options)
  return 'config' in result ? { config: result.config } : result
}

export interface ParseOptions {
  file?: string
  env?: Environment
  inspect?: (config: Config, written: Record<string, unknown>) => Finding[]
}

/** A config, and where in its text what is found about it later stands. */
export interface LocatedConfig {
  readonly config: Config
  /** In the order of the text. */
  readonly locate: (findings: readonly Finding[]) => ConfigProblem[]
}

/** The same as `parseConfig`, for who judges the config further. */
export function parseLocated(text: string, options: ParseOptions = {}): LocatedConfig | { problems: ConfigProblem[] } {
  const named = (found: ConfigProblem[]): ConfigProblem[] =>
    options.file === undefined ? found : found.map(problem => ({ file: options.file!, ...problem }))
  const problems = (found: ConfigProblem[]) => ({ problems: named(found) })
  if (Buffer.byteLength(text) > CONFIG_BYTES_MAX) return problems([tooLarge()])
  const yaml = readYaml(text)
  if (yaml.isBroken) return problems(placed(yaml.findings, yaml))
  if (yaml.tree === null && yaml.findings.length === 0) {
    return problems([{ line: 1, column: 1, path: '', message: 'the config is empty; write at least services' }])
  }
  const findings = [...yaml.findings]
  const tree = interpolateTree(yaml.tree, options.env ?? process.env, finding => findings.push(finding))
  const checked = checkTree(tree, { needsRoutes: true })
  if ('config' in checked && findings.length === 0) {
    findings.push(...(options.inspect?.(checked.config, tree as Record<string, unknown>) ?? []))
    if (findings.length === 0) {
      return { config: checked.config, locate: found => named(placed(found, yaml)) }
    }
  }
  if ('findings' in checked) findings.push(...checked.findings)
  return problems(placed(withoutEchoes(findings, tree), yaml))
}

/** What is said of a text over the limit, without reading it. */
export function tooLarge(): ConfigProblem {
  const message = `the config is larger than ${CONFIG_BYTES_MAX / 2 ** 20}MiB; write less, or add endpoints while it runs`
  return { line: 1, column: 1, path: '', message }
}

/**
 * The problems in the order of the text. What stands once and is used several times through an alias is one mistake,
 * told for its first use.
 */
function placed(findings: readonly Finding[], yaml: YamlTree): ConfigProblem[] {
  const told = new Set<string>()
  return findings
    .map(({ path, message, isOnKey = false, offset = yaml.offsetOf(path, isOnKey) }) => ({ path, message, offset }))
    .filter(({ path, message, offset }) => {
      const mistake = `${offset} ${path.at(-1)} ${message}`
      return !told.has(mistake) && told.add(mistake)
    })
    .sort((a, b) => a.offset - b.offset)
    .map(({ path, message, offset }) => ({ ...yaml.placeOf(offset), path: formatPath(path), message }))
}
