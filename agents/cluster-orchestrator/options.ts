import type { Figures } from '../skills/operations/procedure.ts'

/** What is wrong with options as they were written, for people. */
export interface Fault {
  readonly fault: string
}

export function isFault(value: unknown): value is Fault {
  return typeof value === 'object' && value !== null && 'fault' in value
}

/** Options nobody knows here; undefined: all are known. */
export function findStranger(options: Figures, known: readonly string[]): string | undefined {
  const stranger = Object.keys(options).find(each => !known.includes(each))
  return stranger === undefined ? undefined : `"${stranger.slice(0, 100)}" is no option here, use ${known.join(', ')}`
}

/** `a, b,c` → three texts. */
export function readList(text = ''): string[] {
  return text
    .split(',')
    .map(each => each.trim())
    .filter(each => each !== '')
}

const MS_PER: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** `1500`, `1500ms`, `90s`, `30m` or `2h` → ms. */
export function readMs(text: string): number | Fault {
  const [, amount, unit = 'ms'] = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text) ?? []
  const ms = amount === undefined ? Number.NaN : Number(amount) * MS_PER[unit]!
  return ms <= 2 ** 31 - 1 ? Math.round(ms) : { fault: `${JSON.stringify(text)} is no time, write 90s, 30m or 2h` }
}

export function readCount(text: string): number | Fault {
  return /^\d{1,6}$/.test(text) ? Number(text) : { fault: `${JSON.stringify(text)} is no number of endpoints` }
}
