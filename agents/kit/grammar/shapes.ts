import type { Schema } from './schema.ts'

/**
 * Schemas for what signals carry, in the manner of zod and its like, and as small as the few shapes of ours are: every thread of
 * agents loads them before it can start, and whoever waits for an agent to come back waits for that. Where yours need more, use one
 * of those; see Schema.
 */
export interface Shape<Output> extends Schema<Output> {
  /** The value as it should be; undefined where it is not, and then `faults` says why, each with the way to it. */
  read(value: unknown, at: readonly string[], faults: Fault[]): Output | undefined
}

interface Fault {
  readonly message: string
  readonly path: readonly string[]
}

/** The type of what a shape lets through. */
export type ShapeOf<S> = S extends Shape<infer Output> ? Output : never

export const text: Shape<string> = leaf('a string', value => typeof value === 'string')
export const flag: Shape<boolean> = leaf('true or false', value => typeof value === 'boolean')
export const real: Shape<number> = leaf('a finite number', value => Number.isFinite(value))
export const positive: Shape<number> = leaf(
  'a number from 0 up',
  value => Number.isFinite(value) && (value as number) >= 0,
)
export const integer: Shape<number> = leaf('a whole number', value => Number.isSafeInteger(value))
/** How many, or which. */
export const count: Shape<number> = leaf(
  'a whole number from 0 up',
  value => Number.isSafeInteger(value) && (value as number) >= 0,
)

export function oneOf<const Word extends string>(...words: readonly Word[]): Shape<Word> {
  return leaf(`one of ${words.join(', ')}`, value => (words as readonly unknown[]).includes(value))
}

export function listOf<Item>(item: Shape<Item>): Shape<readonly Item[]> {
  return make((value, at, faults) => {
    if (!Array.isArray(value)) return wrong('a list', value, at, faults)
    // What could not be read is in the faults, and then nobody looks at the list.
    return value.map((each, i) => item.read(each, [...at, String(i)], faults) as Item)
  })
}

/** Something, or null where there is none. */
export function orNull<Output>(shape: Shape<Output>): Shape<Output | null> {
  return make((value, at, faults) => (value === null ? null : shape.read(value, at, faults)))
}

/** A map from names to things of one shape. */
export function mapOf<Each>(each: Shape<Each>): Shape<Readonly<Record<string, Each>>> {
  return make((value, at, faults) => {
    if (!isPlain(value)) return wrong('a map', value, at, faults)
    return readAll(
      Object.keys(value).map(key => [key, each]),
      value,
      at,
      faults,
    )
  })
}

/** An object with these fields, all of them; others are left out, so that whoever is older understands whoever is newer. */
export function objectOf<Fields extends Record<string, Shape<unknown>>>(
  fields: Fields,
): Shape<{ readonly [key in keyof Fields]: ShapeOf<Fields[key]> }> {
  const entries = Object.entries(fields)
  return make<{ readonly [key in keyof Fields]: ShapeOf<Fields[key]> }>((value, at, faults) => {
    if (!isPlain(value)) return wrong('an object', value, at, faults)
    return readAll(entries, value, at, faults) as { readonly [key in keyof Fields]: ShapeOf<Fields[key]> } | undefined
  })
}

function readAll<Each>(
  fields: readonly (readonly [string, Shape<Each>])[],
  value: Record<string, unknown>,
  at: readonly string[],
  faults: Fault[],
): Record<string, Each> | undefined {
  const before = faults.length
  const read = fields.map(([key, shape]): [string, Each] => {
    const field = Object.hasOwn(value, key) ? value[key] : undefined
    return [key, shape.read(field, [...at, key], faults) as Each]
  })
  return faults.length === before ? Object.fromEntries(read) : undefined
}

function leaf<Output>(what: string, isOne: (value: unknown) => boolean): Shape<Output> {
  return make((value, at, faults) => (isOne(value) ? (value as Output) : wrong(what, value, at, faults)))
}

function make<Output>(read: Shape<Output>['read']): Shape<Output> {
  return {
    read,
    '~standard': {
      version: 1,
      vendor: 'signalbox',
      validate(value) {
        const faults: Fault[] = []
        const output = read(value, [], faults)
        return faults.length === 0 ? { value: output as Output } : { issues: faults }
      },
    },
  }
}

function wrong(what: string, value: unknown, path: readonly string[], faults: Fault[]): undefined {
  faults.push({
    message: value === undefined ? `is missing, write ${what}` : `is ${kindOf(value)}, write ${what}`,
    path,
  })
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  return JSON.stringify(value) ?? typeof value
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
