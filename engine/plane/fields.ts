/**
 * What is wrong with a value, as "path: what is there; what is wished"; undefined: nothing is. A field that is missing or that
 * nobody knows is wrong too: who writes tables by a program says all it means, and a default would be a guess.
 */
export type Check = (value: unknown, path: string) => string | undefined

export type Checks = Readonly<Record<string, Check>>

/** An object with all of `needed`, perhaps some of `perhaps`, and nothing else. */
export function fields(needed: Checks, perhaps: Checks = {}): Check {
  return (value, path) => {
    if (!isPlain(value)) return fault(path, value, 'an object')
    const stranger = Object.keys(value).find(key => !Object.hasOwn(needed, key) && !Object.hasOwn(perhaps, key))
    if (stranger !== undefined) {
      return `${below(path, stranger)} is not known; use ${Object.keys({ ...needed, ...perhaps }).join(', ')}`
    }
    for (const [key, check] of Object.entries({ ...needed, ...perhaps })) {
      if (value[key] === undefined) {
        if (Object.hasOwn(perhaps, key)) continue
        return `${below(path, key)} is missing; there are no defaults here`
      }
      const found = check(value[key], below(path, key))
      if (found !== undefined) return found
    }
    return undefined
  }
}

/** An object whose values are all of a kind. */
export function valuesOf(each: Check): Check {
  return (value, path) => {
    if (!isPlain(value)) return fault(path, value, 'an object')
    for (const [key, inner] of Object.entries(value)) {
      const found = each(inner, below(path, key))
      if (found !== undefined) return found
    }
    return undefined
  }
}

export function number(min: number, max: number): Check {
  const isIt = (value: unknown): boolean => typeof value === 'number' && value >= min && value <= max
  return (value, path) => (isIt(value) ? undefined : fault(path, value, `a number from ${min} to ${max}`))
}

export function whole(min: number, max: number): Check {
  const isIt = (value: unknown): boolean =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
  return (value, path) => (isIt(value) ? undefined : fault(path, value, `a whole number from ${min} to ${max}`))
}

export function text(min: number, max: number): Check {
  const isIt = (value: unknown): boolean => typeof value === 'string' && value.length >= min && value.length <= max
  return (value, path) => (isIt(value) ? undefined : fault(path, value, `a text of ${min} to ${max} characters`))
}

export function oneOf(...values: readonly unknown[]): Check {
  const wish = `one of ${values.map(value => JSON.stringify(value)).join(', ')}`
  return (value, path) => (values.includes(value) ? undefined : fault(path, value, wish))
}

export function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function below(path: string, key: string): string {
  const shown = key.slice(0, 100)
  return path === '' ? shown : `${path}.${shown}`
}

function fault(path: string, value: unknown, wish: string): string {
  const shown = typeof value === 'object' || typeof value === 'string' ? JSON.stringify(value) : String(value)
  return `${path === '' ? '' : `${path} is `}${(shown ?? '').slice(0, 100)}; it must be ${wish}`
}
