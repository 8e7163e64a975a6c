import { ALL_BARS, EJECTED } from '../../engine/writer.ts'
import { rollDie } from '../kit/dice.ts'
import type { Directive } from '../kit/grammar/directive.ts'
import type { EndpointView, ServiceView } from '../kit/tables.ts'
import { mayEject, type Outlier } from './ejection.ts'
import { type Charge, judgeInterval } from './judgement.ts'
import { eject, type Sentence, sentenceOf } from './sentence.ts'
import type { State } from './state.ts'

/** Ejects who is charged, as far as it may be, one after the other. */
export function judge(
  state: State,
  service: ServiceView,
  outlier: Outlier,
  seed: number,
  now: number,
): { seed: number; sentences: ReadonlyMap<number, Sentence>; directives: Directive[] } {
  const { name, endpoints } = service
  const charges = chargesOf(state, service, outlier)
  const charged = new Set(charges.map(({ row }) => row))
  const views = new Map<number, EndpointView>()
  const sentences = new Map<number, Sentence>()
  for (const endpoint of endpoints) {
    const { row, bars, ejections } = endpoint
    const known = state.sentences.get(row)
    if (known === undefined && !charged.has(row) && (bars & EJECTED) === 0 && ejections === 0) continue
    views.set(row, endpoint)
    sentences.set(row, sentenceOf(known, name, endpoint, outlier, now))
  }
  const directives: Directive[] = []
  let { ejected, open } = tallyOf(service)
  let die = { value: 0, seed }
  for (const charge of charges) {
    const sentence = sentences.get(charge.row)!
    if (sentence.untilMs !== undefined) continue
    const openOthers = open - (isOpen(views.get(charge.row)!) ? 1 : 0)
    if (!mayEject(outlier, ejected, endpoints.length, openOthers)) continue
    die = rollDie(die.seed)
    const out = eject(sentence, charge, die.value, now)
    sentences.set(charge.row, out.sentence)
    directives.push(...out.directives)
    ejected++
    open = openOthers
  }
  return { seed: die.seed, sentences, directives }
}

/** Who failed too often in a row, and if an interval is over, who stands out in it among those that were not ejected. */
function chargesOf(state: State, { index, name, endpoints }: ServiceView, outlier: Outlier): Charge[] {
  const charges = endpoints.flatMap(({ row, generation }) => {
    const suspect = state.suspects.get(row)
    return suspect?.generation === generation && suspect.charge !== undefined ? [suspect.charge] : []
  })
  if (!state.due.has(name)) return charges
  const sums = state.ledger.close(index)
  const compared = endpoints.flatMap(({ row, generation, bars }) => {
    const sum = sums.get(row)
    return sum?.generation === generation && (bars & EJECTED) === 0 ? [sum] : []
  })
  return [...charges, ...judgeInterval(outlier, compared)]
}

function tallyOf({ endpoints }: ServiceView): { ejected: number; open: number } {
  const ejected = endpoints.filter(({ bars }) => (bars & EJECTED) !== 0).length
  return { ejected, open: endpoints.filter(isOpen).length }
}

function isOpen({ bars, weight }: EndpointView): boolean {
  return (bars & ALL_BARS) === 0 && weight > 0
}
