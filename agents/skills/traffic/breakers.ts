import { type Attachment, elapsedMs, TRIPPED } from '../../../engine/writer.ts'
import { defineSensor } from '../../kit/grammar/sensor.ts'
import { type BreakerState, breakerChanged, type EndpointRef } from '../../signals.ts'

/** A breaker that is not closed. */
export interface OpenBreaker extends EndpointRef {
  readonly state: Exclude<BreakerState, 'closed'>
  readonly trips: number
  readonly openForMs: number
}

type Seen = ReadonlyMap<number, OpenBreaker>

/** Reads each second which breakers are open, and says which of them changed: `half-open` is one whose time is up and that waits for a probe. */
export const breakers = defineSensor({
  name: 'breakers',
  emits: breakerChanged,
  everyMs: 1_000,
  start: (): Seen => new Map(),
  read: ({ attachment, now }) => readOpen(attachment, now()),
  perceive(before, open) {
    const after = new Map(open.map(each => [each.row, each]))
    const changes = open.flatMap(each => {
      const { state, ...about } = each
      const known = before.get(each.row)
      const from = known?.generation === each.generation ? known.state : 'closed'
      return from === state ? [] : [breakerChanged.of({ ...about, from, to: state }, subjectOf(each))]
    })
    const closed = [...before.values()].flatMap(each => {
      const { state: from, ...about } = each
      if (after.get(each.row)?.generation === each.generation) return []
      return [breakerChanged.of({ ...about, from, to: 'closed', trips: 0, openForMs: 0 }, subjectOf(each))]
    })
    return { memory: after, readings: [...closed, ...changes] }
  },
})

const subjectOf = ({ service, id }: EndpointRef): string => `${service}/${id}`

function readOpen(attachment: Attachment, nowMs: number): OpenBreaker[] {
  const { endpoints } = attachment
  return attachment.serviceTexts().flatMap(({ text, rows }) => {
    if (text.isGone || text.breaker === undefined) return []
    return rows.flatMap((row): OpenBreaker[] => {
      if ((endpoints.bars(row) & TRIPPED) === 0) return []
      const openForMs = Math.max(0, elapsedMs(endpoints.breakerUntilMs(row), nowMs))
      const ref = { row, generation: endpoints.generation(row), service: text.name, id: attachment.endpoint(row).id }
      return [{ ...ref, state: openForMs > 0 ? 'open' : 'half-open', trips: endpoints.breakerTrips(row), openForMs }]
    })
  })
}
