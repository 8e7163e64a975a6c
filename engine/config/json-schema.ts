import { z } from 'zod'
import { spellings } from './leaf.ts'
import { configSchema } from './schema.ts'

/**
 * The JSON Schema (draft 2020-12) of what a person may write, for editors. It knows keys, kinds, ranges and spellings;
 * what keys must be to each other only the parser judges. A text with a `${...}` in it passes everywhere.
 */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      Object.assign(jsonSchema, spellings.get(zodSchema as unknown as z.ZodType)?.json)
    },
  }) as Record<string, unknown>
  // The default of `workers` is the parallelism of whichever machine asked: no part of the format.
  const { workers } = schema.properties as Record<string, { default?: unknown }>
  delete workers!.default
  return { ...schema, title: 'signalbox config' }
}
