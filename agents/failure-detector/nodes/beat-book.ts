import { elapsedMs } from '../../../engine/writer.ts'
import { stretchOf } from '../../skills/network/local-health.ts'
import { Gaps, phiOf } from '../../skills/network/phi.ts'
import type { WatchSettings } from './settings.ts'
import type { Silence } from './signals.ts'

/** More would not fit into a signal. */
const PHI_MAX = 1_000

interface Line {
  readonly gaps: Gaps
  /** Undefined: never heard by this node itself. */
  beatMs: number | undefined
  heardMs: number | undefined
  /** When it was last known to live, be it by others. */
  evidenceMs: number
}

/**
 * When each node was last heard, and how often it usually is. Changed in place: a sensor reads what the skill beside it writes, every
 * beat, and the gaps of a node are a thousand numbers. One line a node, as many as the skill knows.
 */
export class BeatBook {
  readonly #settings: WatchSettings
  readonly #lines = new Map<string, Line>()
  /** Of this node; all silence is forgiven for longer by it. */
  localHealth = 0

  constructor(settings: WatchSettings) {
    this.#settings = settings
  }

  /** A beat has come. A gap that was beyond all that is usual is not learnt, or the next silence would look usual (Pekko). */
  beat(node: string, now: number): void {
    const line = this.#line(node, now)
    if (line.beatMs !== undefined) {
      const gapMs = elapsedMs(now, line.beatMs)
      if (gapMs >= 0 && this.#phi(line, gapMs) < this.#settings.threshold) line.gaps.add(gapMs)
    }
    line.beatMs = now
    line.heardMs = now
    line.evidenceMs = now
  }

  /** It answered otherwise. */
  hear(node: string, now: number): void {
    const line = this.#line(node, now)
    line.heardMs = now
    line.evidenceMs = now
  }

  /** Another node has heard it. */
  vouch(node: string, now: number): void {
    this.#line(node, now).evidenceMs = now
  }

  /** Another life of it beats in a way of its own. */
  forget(node: string): void {
    this.#lines.delete(node)
  }

  /** This node stood still for so long: that others were not heard meanwhile is not their fault. */
  pardon(ms: number): void {
    for (const line of this.#lines.values()) {
      line.evidenceMs = (line.evidenceMs + ms) | 0
      if (line.heardMs !== undefined) line.heardMs = (line.heardMs + ms) | 0
      line.beatMs = undefined
    }
  }

  silences(now: number): Silence[] {
    return [...this.#lines].map(([node, line]) => {
      const silenceMs = Math.max(0, elapsedMs(now, line.evidenceMs))
      const unheardMs = line.heardMs === undefined ? undefined : Math.max(0, elapsedMs(now, line.heardMs))
      const isHeard = unheardMs !== undefined && this.#phi(line, unheardMs) < this.#settings.threshold
      return { node, silenceMs, phi: this.#phi(line, silenceMs), isHeard }
    })
  }

  #phi({ gaps }: Line, silenceMs: number): number {
    const { mean, deviation } = gaps.usual(this.#settings.deviationMsMin)
    const pauseMs = this.#settings.pauseMs * stretchOf(this.localHealth)
    return Math.min(PHI_MAX, phiOf(silenceMs, { mean: mean + pauseMs, deviation }))
  }

  #line(node: string, now: number): Line {
    let line = this.#lines.get(node)
    if (line === undefined) {
      const gaps = new Gaps(this.#settings.heartbeatMs)
      this.#lines.set(node, (line = { gaps, beatMs: undefined, heardMs: undefined, evidenceMs: now }))
    }
    return line
  }
}
