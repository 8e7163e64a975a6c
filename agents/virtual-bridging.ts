import { bridgeOf } from './bridge/agent-bridge.ts'
import { InlineSequencer } from './bridge/inline-sequencer.ts'
import type { Bridging } from './kit/virtual/running-plane.ts'

/** What agents in virtual time agree through: one sequencer for all of a plane, made when the first of them comes. */
export function virtualBridging(): Bridging {
  let sequencer: InlineSequencer | undefined
  return (agent, clock, dice) => {
    sequencer ??= new InlineSequencer({ clock })
    return bridgeOf(agent, sequencer.open(), clock, dice)
  }
}
