import { elapsedMs } from '../../../engine/writer.ts'
import type { MetricName } from '../../signals.ts'
import { type AlertRule, type Breach, isBroken } from './alert-rules.ts'

/** What was measured of a subject. */
export interface Sample {
  readonly subject: string
  readonly metric: MetricName
  readonly value: number
  readonly reason: string
}

/** Beyond this many something is wrong that no single alert says. */
const BREACHES_MAX = 4_096
/** What was measured longer ago says nothing, in ms; only what is told when it changes stays as it was told. */
const FRESH_MS = 30_000
const LASTING: ReadonlySet<MetricName> = new Set(['availability', 'certificate-days'])

/**
 * Rules that are broken now, by subject. Changed in place: a network that fails breaks thousands of them in a second, and a copy for each would
 * keep its thread from everything else.
 */
export class Breaches {
  readonly #bySubject = new Map<string, Map<string, Breach>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  subjects(): Iterable<string> {
    return this.#bySubject.keys()
  }

  /** Those of a subject that something was measured of lately. */
  of(subject: string, now: number): Breach[] {
    return [...(this.#bySubject.get(subject)?.values() ?? [])].filter(each => isFresh(each, now))
  }

  /** Holds what was measured against the rules of its metric. */
  take(rules: readonly AlertRule[], { subject, value, reason }: Sample, now: number): void {
    for (const rule of rules) {
      if (!isBroken(rule, value)) {
        this.#delete(subject, rule.name)
        continue
      }
      const before = this.#bySubject.get(subject)?.get(rule.name)
      if (before === undefined && this.#size >= BREACHES_MAX) continue
      const breach = { rule, subject, sinceMs: before?.sinceMs ?? now, seenMs: now, value, reason }
      let broken = this.#bySubject.get(subject)
      if (broken === undefined) this.#bySubject.set(subject, (broken = new Map()))
      if (before === undefined) this.#size++
      broken.set(rule.name, breach)
    }
  }

  /** Forgets those that nothing was measured of lately. */
  expire(now: number): void {
    this.keep(each => isFresh(each, now))
  }

  keep(isKept: (breach: Breach) => boolean): void {
    for (const [subject, broken] of this.#bySubject)
      for (const [rule, breach] of broken) if (!isKept(breach)) this.#delete(subject, rule)
  }

  /** Nothing is broken of this subject, be it that there is none of the name any more. */
  drop(subject: string): void {
    this.#size -= this.#bySubject.get(subject)?.size ?? 0
    this.#bySubject.delete(subject)
  }

  #delete(subject: string, rule: string): void {
    const broken = this.#bySubject.get(subject)
    if (broken === undefined || !broken.delete(rule)) return
    this.#size--
    if (broken.size === 0) this.#bySubject.delete(subject)
  }
}

function isFresh({ rule, seenMs }: Breach, now: number): boolean {
  return LASTING.has(rule.metric) || elapsedMs(now, seenMs) <= FRESH_MS
}
