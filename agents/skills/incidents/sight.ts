import { ALL_BARS, type Attachment, DEGRADED, EJECTED, HELD, ISOLATED, isolatedMax } from '../../../engine/writer.ts'
import { type Action, defineAction } from '../../kit/grammar/action.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import type { RowRef } from '../../kit/table-port.ts'
import type { Named } from './subject.ts'

/** One endpoint as the tables say, and whether it may be kept out or spared besides those that are. */
export interface Sight extends RowRef {
  readonly url: string
  readonly bars: number
  readonly health: number
  /** Requests that ended well since the region began, modulo 2^32. */
  readonly ok: number
  /** The same of those that failed. */
  readonly failed: number
  /**
   * Why the tables would refuse to isolate it; undefined: they would not. The rules of publication, as they are held there: this is to know
   * before, and to say after.
   */
  readonly refusal: 'too-many-out' | 'last-routable' | undefined
  /** Others of its service that are degraded, and how many may be, it included: where many warn, what they have in common is likelier to be the cause. */
  readonly sparedOthers: number
  readonly sparedMax: number
}

/** What was looked for, and what it was for; undefined: there is no such endpoint. */
export interface Seen<About> {
  readonly about: About
  readonly sight: Sight | undefined
}

interface SightParams<About> {
  readonly named: Named
  readonly about: About
}

/** Makes an action that looks at one endpoint: far cheaper than at all of them. Its name is unique in its agent, or skill. */
export function lookingAt<About, const Name extends string>(
  name: Name,
): Action<SightParams<About>, `signalbox.${Name}.seen`, Seen<About>> {
  return defineAction({
    name,
    done: defineSignal(`signalbox.${name}.seen` as const, { data: trusted<Seen<About>>() }),
    run: ({ named, about }: SightParams<About>, { attachment }) => ({ about, sight: sightOf(attachment, named) }),
  })
}

export function sightOf(attachment: Attachment, { service, id }: Named): Sight | undefined {
  const texts = attachment.serviceTexts()
  const index = texts.findIndex(({ text }) => text.isGone !== true && text.name === service)
  const row = index < 0 ? -1 : attachment.rowOfId(index, id)
  if (row < 0) return undefined
  const { endpoints, tally } = attachment
  const { rows } = texts[index]!
  let out = 1
  let isolated = 1
  let sparedOthers = 0
  let routable = 0
  for (const other of rows) {
    if (other === row) continue
    const bars = endpoints.bars(other)
    if ((bars & (EJECTED | HELD | ISOLATED)) !== 0) out++
    if ((bars & ISOLATED) !== 0) isolated++
    if ((bars & DEGRADED) !== 0) sparedOthers++
    if ((bars & ALL_BARS) === 0 && endpoints.hasWeight(other)) routable++
  }
  const isFull = isolated > isolatedMax(rows.length) || 2 * out > rows.length
  const bars = endpoints.bars(row)
  const totals = tally.totals(row)
  const isLast = routable === 0 && (bars & ALL_BARS & ~ISOLATED) === 0
  return {
    row,
    generation: endpoints.generation(row),
    url: attachment.endpoint(row).url,
    bars,
    health: endpoints.health(row),
    ok: totals.ok >>> 0,
    failed: (totals.error + totals.timeout) >>> 0,
    refusal: isFull ? 'too-many-out' : isLast ? 'last-routable' : undefined,
    ...{ sparedOthers, sparedMax: isolatedMax(rows.length) },
  }
}

/** Of endpoints that were kept out: those that still are what they were, and whether the bar stands. */
export interface Isolated extends RowRef {
  readonly isIsolated: boolean
  readonly url: string
}

export const isolatedSeen = defineSignal('signalbox.isolated.seen', {
  data: trusted<{ readonly rows: readonly Isolated[] }>(),
})

export const lookAtIsolated = defineAction({
  name: 'look-at-isolated',
  done: isolatedSeen,
  run: ({ rows }: { readonly rows: readonly RowRef[] }, { attachment }) => {
    const listed = new Set(attachment.serviceTexts().flatMap(each => (each.text.isGone === true ? [] : each.rows)))
    const { endpoints } = attachment
    const there = rows.filter(({ row, generation }) => listed.has(row) && endpoints.generation(row) === generation)
    return {
      rows: there.map(({ row, generation }) => ({
        ...{ row, generation, url: attachment.endpoint(row).url },
        isIsolated: (endpoints.bars(row) & ISOLATED) !== 0,
      })),
    }
  },
})
