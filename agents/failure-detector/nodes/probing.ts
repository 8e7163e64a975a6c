import { rollDie } from '../../kit/dice.ts'
import { type Directive, emit, schedule } from '../../kit/grammar/directive.ts'
import { toNode } from '../../kit/grammar/signal.ts'
import { stretchOf } from '../../skills/network/local-health.ts'
import type { WatchSettings } from './settings.ts'
import { nodePinged, probeAsked, probeDue } from './signals.ts'
import type { Watched } from './watched.ts'

/** Some of the others that are heard themselves, by the dice. */
export function pickHelpers(
  others: readonly Watched[],
  subject: string,
  count: number,
  seed: number,
): { readonly helpers: readonly string[]; readonly seed: number } {
  const left = others.filter(each => each.node !== subject && each.state === 'alive' && each.isHeard)
  const helpers: string[] = []
  let last = seed
  while (helpers.length < count && left.length > 0) {
    const die = rollDie(last)
    last = die.seed
    helpers.push(left.splice(Math.floor(die.value * left.length), 1)[0]!.node)
  }
  return { helpers, seed: last }
}

/**
 * Looks for a silent node: asks it, and has others ask it.
 *
 *   me ── ping ───────────────────────────────▶ subject
 *   me ── ask ──▶ helper ── ping ──▶ subject ── pong ──▶ helper ── reached, or not ──▶ me
 *
 * Source  SWIM (Das 2002), ping-req. That a helper says `not` as well is Lifeguard's: who gets no word at all is cut off itself.
 */
export function lookFor(
  subject: Watched,
  probe: string,
  helpers: readonly string[],
  { probeTimeoutMs }: WatchSettings,
  localHealth: number,
  now: number,
): { readonly after: Watched; readonly directives: readonly Directive[] } {
  const { node } = subject
  return {
    after: { ...subject, probe: { id: probe, helpers: helpers.length, nacks: 0 }, probedMs: now },
    directives: [
      emit(toNode(node, nodePinged.of({ probe, sentMs: now }))),
      ...helpers.map(helper => emit(toNode(helper, probeAsked.of({ probe, subject: node })))),
      schedule(probeTimeoutMs * stretchOf(localHealth), probeDue.of({ probe, subject: node })),
    ],
  }
}
