import { createHash } from 'node:crypto'
import type { Config } from '../../engine/writer.ts'

/**
 * Plain data as one text, the same for whatever means the same: keys are in order, and those that say nothing are left out. The order
 * of a list is kept.
 */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  const fields = Object.entries(value).filter(([, each]) => each !== undefined)
  fields.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`
}

/**
 * SHA-256 over a config as canonical text, in hex: two nodes with one digest route alike. The order of endpoints is none of its meaning.
 * The token of the admin listener is left out: by a digest that whoever hears the signal may read, a short one could be guessed.
 */
export function digestOf({ services, admin, ...rest }: Config): string {
  const sorted = Object.entries(services).map(([name, { endpoints, ...service }]) => [
    name,
    { ...service, endpoints: endpoints.toSorted((a, b) => (a.id < b.id ? -1 : 1)) },
  ])
  const { token: _, ...listener } = admin
  const text = canonical({ ...rest, admin: listener, services: Object.fromEntries(sorted) })
  return createHash('sha256').update(text).digest('hex')
}
