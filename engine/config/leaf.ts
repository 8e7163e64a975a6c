import { z } from 'zod'
import { kindOf, show } from './wording.ts'

/** What reading one written value gives: the value the program works with, or a sentence that says state and wish. */
export type Reading<Out> = { value: Out } | { fault: string }

/** Everything the config needs to know about one kind of scalar: how it is read, printed, and told to an editor. */
export interface Leaf<Out> {
  /** With its article, as in "a duration": used as "… is not a duration". */
  what: string
  /** What to write instead, as in "write 500ms, 10s, 5m or 1h". */
  wish: string
  /** The JSON Schema of what may be written. */
  json: Record<string, unknown>
  read(written: string | number | boolean): Reading<Out>
  /** The inverse of `read`; absent where the value prints as it is. */
  print?(value: Out): string | number | boolean
}

/** What a schema adds to the printed config and to the JSON Schema; leaves have both, a union may have only `print`. */
export interface Spelling {
  json?: Record<string, unknown>
  // biome-ignore lint/suspicious/noExplicitAny: a registry holds the spellings of many value types at once.
  print?(value: any): unknown
}

/** How schemas are spelled, by schema. Clones made by `.describe()` inherit the entry of the schema they came from. */
export const spellings = z.registry<Spelling>()

/**
 * A zod schema for one scalar. A missing value, a list or a map is answered here, in the same words for every leaf;
 * `params.isOtherKind` marks these issues, so that a union can tell "not my kind" from "my kind, but wrong".
 */
export function leaf<Out, In>(shape: Leaf<Out>): z.ZodType<Out, In> {
  const schema = z.unknown().transform((written, context) => {
    const isScalar = typeof written === 'string' || typeof written === 'number' || typeof written === 'boolean'
    const reading = isScalar ? shape.read(written) : { fault: wrongKind(shape, written) }
    if ('value' in reading) return reading.value
    context.issues.push({
      code: 'custom',
      message: reading.fault,
      input: written,
      params: { isOtherKind: !isScalar, isMissing: written === undefined },
    })
    return z.NEVER
  })
  spellings.add(schema, { json: shape.json, ...(shape.print && { print: shape.print }) })
  return schema as unknown as z.ZodType<Out, In>
}

function wrongKind(shape: { what: string; wish: string }, written: unknown): string {
  if (written === undefined) return `missing; ${shape.wish}`
  if (written === null) return `has no value; ${shape.wish}`
  return `${kindOf(written)} is not ${shape.what}; ${shape.wish}`
}

/** Matches a text that still waits for the environment: an editor cannot judge it, so every leaf lets it pass there. */
const PENDING = '\\$\\{'

/** A leaf that is read from text alone. A number or boolean is sent back with the advice to quote it. */
export function textLeaf<Out>(shape: {
  what: string
  wish: string
  pattern?: string
  read(text: string): Reading<Out>
  print?(value: Out): string
}): z.ZodType<Out, string> {
  const { pattern, ...rest } = shape
  return leaf<Out, string>({
    ...rest,
    json: { type: 'string', ...(pattern !== undefined && { pattern: `${pattern}|${PENDING}` }) },
    read: written =>
      typeof written === 'string'
        ? shape.read(written)
        : { fault: `${written} is a ${typeof written} here; put it in quotes` },
  })
}

/** A leaf with a unit: text such as `10s`, and 0 alone (or any number, where the leaf says so) without quotes. */
export function unitLeaf(shape: {
  what: string
  wish: string
  pattern: string
  bareNumbers: 'zero' | 'all'
  read(text: string): Reading<number>
  print(value: number): string
}): z.ZodType<number, string | number> {
  const bare = shape.bareNumbers === 'all' ? { type: 'integer', minimum: 0 } : { const: 0 }
  return leaf<number, string | number>({
    what: shape.what,
    wish: shape.wish,
    json: { anyOf: [{ type: 'string', pattern: `${shape.pattern}|${PENDING}` }, bare] },
    read: written =>
      typeof written === 'boolean'
        ? { fault: `${written} is not ${shape.what}; ${shape.wish}` }
        : shape.read(String(written)),
    print: shape.print,
  })
}

const DECIMAL = /^-?\d+(\.\d+)?$/

/** A number in a range. A text of digits is a number too: that is what the environment gives. */
export function number(range: { min: number; max: number; whole: boolean }): z.ZodType<number, string | number> {
  const what = `${range.whole ? 'a whole number' : 'a number'} from ${range.min} to ${range.max}`
  const wish = `write ${what}`
  return leaf<number, string | number>({
    what,
    wish,
    json: {
      anyOf: [
        { type: range.whole ? 'integer' : 'number', minimum: range.min, maximum: range.max },
        { type: 'string', pattern: `^-?\\d+(\\.\\d+)?$|${PENDING}` },
      ],
    },
    read: written => {
      const value = typeof written === 'string' && DECIMAL.test(written) ? Number(written) : written
      const isNumber = typeof value === 'number' && Number.isFinite(value)
      if (!isNumber || (range.whole && !Number.isInteger(value))) return { fault: `${show(written)} is not ${what}` }
      if (value < range.min || value > range.max) return { fault: `${show(written)} is out of range; ${wish}` }
      // YAML can write −0, which prints as 0: one zero is enough.
      return { value: value === 0 ? 0 : value }
    },
  })
}

/** A whole number in a range. */
export function whole(min: number, max: number): z.ZodType<number, string | number> {
  return number({ min, max, whole: true })
}

/** `true` or `false`; the words in quotes count too, for they are what the environment gives. */
export function flag(): z.ZodType<boolean, boolean | 'true' | 'false'> {
  return leaf<boolean, boolean | 'true' | 'false'>({
    what: 'true or false',
    wish: 'write true or false',
    json: { anyOf: [{ type: 'boolean' }, { type: 'string', pattern: `^(true|false)$|${PENDING}` }] },
    read: written => {
      if (written === true || written === 'true') return { value: true }
      if (written === false || written === 'false') return { value: false }
      return { fault: `${show(written)} is not true or false` }
    },
  })
}
