import { elapsedMs } from '../../../engine/writer.ts'
import type { HealthWord, SharedVerdict } from '../../signals.ts'
import { subjectOf } from './subject.ts'

/** What a node takes an endpoint for. */
export interface Verdict {
  readonly health: HealthWord
  /** The node that has seen it. */
  readonly by: string
  /** Whether this node was told by the one that has seen it; of its own verdicts it always was. */
  readonly isDirect: boolean
  /** On the clock of this node, when it was seen. */
  readonly atMs: number
}

/** By `service/id`. */
export type Verdicts = ReadonlyMap<string, Verdict>

/** Endpoints that are remembered of other nodes; they have no more than the tables hold, or are wrong. */
const VERDICTS_MAX = 10_000

/**
 * Which of two is believed: who has seen an endpoint itself before who was told, and of two alike the later.
 *
 *   own  >  direct  >  relayed         within a class: the younger
 */
export function isBetter(one: Verdict, than: Verdict | undefined): boolean {
  if (than === undefined) return true
  if (one.isDirect !== than.isDirect) return one.isDirect
  return elapsedMs(one.atMs, than.atMs) > 0
}

/** Takes into what others say what one of them has said. What they have of us, and what we have seen ourselves, is not among it. */
export function merge(
  others: Map<string, Verdict>,
  own: Verdicts,
  rows: readonly SharedVerdict[],
  me: string,
  now: number,
): void {
  for (const row of rows) {
    const subject = subjectOf(row)
    if (row.by === me || own.has(subject)) continue
    const verdict = { health: row.health, by: row.by, isDirect: row.isDirect, atMs: (now - Math.round(row.ageMs)) | 0 }
    if (!isBetter(verdict, others.get(subject))) continue
    if (others.size >= VERDICTS_MAX && !others.has(subject)) continue
    others.set(subject, verdict)
  }
}

/** What is believed of an endpoint here. */
export function believed(own: Verdicts, others: Verdicts, subject: string): Verdict | undefined {
  return own.get(subject) ?? others.get(subject)
}
