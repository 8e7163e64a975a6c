import { elapsedMs } from '../../../engine/writer.ts'
import { defineSensor } from '../../kit/grammar/sensor.ts'
import type { BeatBook } from './beat-book.ts'
import { lookEveryMs, type WatchSettings } from './settings.ts'
import { nodePinged, type Silence, silencesRead } from './signals.ts'

/** From one ping of all nodes to the next, in ms. */
const PING_MS = 5_000

/** Looks how long each node has been silent, and notices when it comes late itself. */
export function nodeSilenceSensor(book: BeatBook, settings: WatchSettings) {
  const everyMs = lookEveryMs(settings)
  return defineSensor({
    name: 'node-silence',
    emits: silencesRead,
    everyMs,
    start: (): number | undefined => undefined,
    read: ({ now }): readonly Silence[] => book.silences(now()),
    perceive(lastMs: number | undefined, silences, now) {
      const lateMs = lastMs === undefined ? 0 : Math.max(0, elapsedMs(now, lastMs) - everyMs)
      return { memory: now, readings: [silencesRead.of({ silences, lateMs })] }
    },
  })
}

/** Pings all nodes, to know how long a message to each and back takes; whole ms, for it is distances that matter. */
export const nodeRoundTripSensor = defineSensor({
  name: 'node-round-trip',
  emits: nodePinged,
  everyMs: PING_MS,
  spreadMs: PING_MS / 10,
  start: () => null,
  read: ({ now }) => now(),
  perceive: (memory: null, sentMs) => ({ memory, readings: [nodePinged.of({ probe: '', sentMs })] }),
})
