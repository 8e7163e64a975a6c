import type { z } from 'zod'
import { type Reading, unitLeaf } from './leaf.ts'
import { show } from './wording.ts'

/** The longest delay a Node timer keeps; a longer one would fire at once. About 24.8 days. */
const DURATION_MS_MAX = 2 ** 31 - 1

const MS_PER: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const BYTES_PER: Record<string, number> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/** `500ms`, `10s`, `1.5m`, `1h`, or 0 → whole milliseconds. */
export function readDuration(text: string): Reading<number> {
  if (text === '0') return { value: 0 }
  const found = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text)
  if (!found) return { fault: durationFault(text) }
  const exact = Number(found[1]) * MS_PER[found[2]!]!
  const ms = Math.round(exact)
  // Decimal fractions are inexact in binary; what is left over beyond that is a fraction the reader really wrote.
  if (Math.abs(exact - ms) > 1e-6) return { fault: `${show(text)} is finer than 1ms; write whole milliseconds` }
  if (ms > DURATION_MS_MAX) return { fault: `${show(text)} is longer than a timer can wait; write at most 596h` }
  return { value: ms }
}

function durationFault(text: string): string {
  if (/^\d+$/.test(text)) return `${text} has no unit; write ${text}ms or ${text}s`
  return `${show(text)} is not a duration; write a number with ms, s, m or h, such as 500ms or 10s`
}

/** Milliseconds → the shortest exact text: the largest unit that divides them. */
export function printDuration(ms: number): string {
  for (const unit of ['h', 'm', 's']) {
    if (ms > 0 && ms % MS_PER[unit]! === 0) return `${ms / MS_PER[unit]!}${unit}`
  }
  return ms === 0 ? '0s' : `${ms}ms`
}

/** `32KiB`, `1.5MiB`, `512B`, or bytes without a unit → whole bytes. */
export function readSize(text: string): Reading<number> {
  const found = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)?$/.exec(text)
  if (!found) return { fault: sizeFault(text) }
  const bytes = Number(found[1]) * BYTES_PER[found[2] ?? 'B']!
  if (!Number.isInteger(bytes)) return { fault: `${show(text)} is not a whole number of bytes; write whole bytes` }
  if (!Number.isSafeInteger(bytes)) return { fault: `${show(text)} is too large; write less than 8388608GiB` }
  return { value: bytes }
}

function sizeFault(text: string): string {
  const found = /^(\d+(?:\.\d+)?)\s*([kmg])i?b?$/i.exec(text)
  if (found) return `${show(text)} is not a size; did you mean "${found[1]}${found[2]!.toUpperCase()}iB"?`
  return `${show(text)} is not a size; write a number with B, KiB, MiB or GiB, such as 32KiB`
}

/** Bytes → the shortest exact text. */
export function printSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB']) {
    if (bytes > 0 && bytes % BYTES_PER[unit]! === 0) return `${bytes / BYTES_PER[unit]!}${unit}`
  }
  return `${bytes}B`
}

/** `20%` or `12.5%`, or 0 → a ratio from 0 to 1. Six decimals at most, so that printing gives back what was written. */
export function readRatio(text: string): Reading<number> {
  if (text === '0') return { value: 0 }
  const found = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text)
  if (!found) return { fault: ratioFault(text) }
  const percent = Number(found[1])
  if (percent > 100) return { fault: `${show(text)} is more than all; write 0% to 100%` }
  return { value: percent / 100 }
}

function ratioFault(text: string): string {
  if (!/^\d+(\.\d+)?$/.test(text)) return `${show(text)} is not a ratio; write a percentage such as 20%`
  const asRatio = Number(text) <= 1 ? Number((Number(text) * 100).toPrecision(12)) : Number(text)
  return `${text} has no unit; write a percentage such as ${asRatio}%`
}

/** A ratio → percent. 15 digits drop the binary dust of `0.07 * 100` and keep every digit that `readRatio` takes. */
export function printRatio(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(15))}%`
}

/** A length of time. Written `500ms`, `10s`, `5m`, `1h` or 0; read as milliseconds. */
export function duration(range: { min?: string; max?: string } = {}): z.ZodType<number, string | number> {
  return unitLeaf({
    what: 'a duration',
    wish: 'write a number with ms, s, m or h, such as 500ms or 10s',
    pattern: '^\\d+(\\.\\d+)?(ms|s|m|h)$|^0$',
    bareNumbers: 'zero',
    read: text => within(readDuration(text), text, readDuration, range),
    print: printDuration,
  })
}

/** An amount of bytes. Written `512B`, `32KiB`, `1MiB` or a bare number of bytes; read as bytes. */
export function size(range: { min?: string; max?: string } = {}): z.ZodType<number, string | number> {
  return unitLeaf({
    what: 'a size',
    wish: 'write a number with B, KiB, MiB or GiB, such as 32KiB',
    pattern: '^\\d+(\\.\\d+)?(B|KiB|MiB|GiB)?$',
    bareNumbers: 'all',
    read: text => within(readSize(text), text, readSize, range),
    print: printSize,
  })
}

/** A share. Written `20%` or 0; read as a number from 0 to 1. */
export function ratio(): z.ZodType<number, string | number> {
  return unitLeaf({
    what: 'a ratio',
    wish: 'write a percentage such as 20%',
    pattern: '^\\d{1,3}(\\.\\d{1,6})?%$|^0$',
    bareNumbers: 'zero',
    read: readRatio,
    print: printRatio,
  })
}

function within(
  reading: Reading<number>,
  text: string,
  read: (text: string) => Reading<number>,
  range: { min?: string; max?: string },
): Reading<number> {
  if ('fault' in reading) return reading
  const { min, max } = range
  if (min !== undefined && reading.value < amount(read, min))
    return { fault: `${text} is too little; write ${min} or more` }
  if (max !== undefined && reading.value > amount(read, max))
    return { fault: `${text} is too much; write ${max} or less` }
  return reading
}

/** A bound of the schema itself: it is written in this code, so it reads. */
function amount(read: (text: string) => Reading<number>, bound: string): number {
  const reading = read(bound)
  if ('fault' in reading) throw new Error(`Cannot use the bound ${bound}: ${reading.fault}`)
  return reading.value
}
