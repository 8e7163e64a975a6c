import { stringify } from 'yaml'
import type { z } from 'zod'
import { escapeReferences } from './interpolate.ts'
import { spellings } from './leaf.ts'
import { type Config, configSchema } from './schema.ts'

/** What stands for a secret. Its length is not that of the secret. */
const MASK = '********'

/**
 * The effective config as YAML: every default filled in, every value in its shortest exact spelling. Parsing it gives the
 * same config again, apart from the admin token and the secret of multicast, which are masked unless `secrets` is `'show'`.
 */
export function printConfig(config: Config, { secrets = 'mask' }: { secrets?: 'mask' | 'show' } = {}): string {
  return stringify(written(configSchema, secrets === 'mask' ? masked(config) : config), { lineWidth: 0 })
}

function masked(config: Config): Config {
  const { admin, agents } = config
  const discovery = agents['node-discovery']
  const { multicast } = discovery
  const hide = (secret: string): string => (secret === '' ? '' : MASK)
  return {
    ...config,
    admin: { ...admin, token: hide(admin.token) },
    agents: {
      ...agents,
      'node-discovery': { ...discovery, multicast: { ...multicast, secret: hide(multicast.secret) } },
    },
  }
}

/** The written form of a value, found by walking down its schema: a schema that has a spelling prints its own. */
function written(schema: z.core.$ZodType, value: unknown): unknown {
  const spelling = spellings.get(schema as z.ZodType)
  if (spelling) return literal(spelling.print ? spelling.print(value) : value)
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'object':
      return writtenMap(value, key => def.shape[key]!)
    case 'record':
      return writtenMap(value, () => def.valueType)
    case 'array':
      return (value as unknown[]).map(each => written(def.element, each))
    case 'pipe':
      return written(def.in, value)
    case 'optional':
    case 'default':
    case 'prefault':
      return written(def.innerType, value)
    default:
      throw new Error(`Cannot print config: no rule for a schema of type ${def.type}, give it a spelling`)
  }
}

function writtenMap(value: unknown, schemaOf: (key: string) => z.core.$ZodType): Record<string, unknown> {
  const entries = Object.entries(value as Record<string, unknown>).filter(([, each]) => each !== undefined)
  return Object.fromEntries(entries.map(([key, each]) => [key, written(schemaOf(key), each)]))
}

/** Texts that are not to be interpolated when they are read again. */
function literal(value: unknown): unknown {
  if (typeof value === 'string') return escapeReferences(value)
  if (Array.isArray(value)) return value.map(literal)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, literal(each)]))
}
