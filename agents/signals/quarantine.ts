import { count, objectOf, oneOf, orNull, positive, type ShapeOf, text } from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { ref } from './ref.ts'

/** Why an endpoint is kept out by quarantine: it decides for how long. `repair`: something is done to it, and whoever does it lets it back. */
const quarantineReason = oneOf('failed', 'flapping', 'anomaly', 'security', 'repair')
export type QuarantineReason = ShapeOf<typeof quarantineReason>

/** To the health monitor: keep this endpoint out until it is shown to be well. Asked again, it is kept for longer. */
export const quarantineRequested = defineSignal('signalbox.endpoint.quarantine', {
  data: objectOf({ service: text, id: text, reason: quarantineReason, by: text }),
  overflow: 'reject',
})

/** To the health monitor: let it back now, whatever checks say. */
export const releaseRequested = defineSignal('signalbox.endpoint.release', {
  data: objectOf({ service: text, id: text, by: text }),
  overflow: 'reject',
})

/**
 * From the health monitor: an endpoint is kept out, here and at once. `confirmed`: the other monitors agreed, under this fence; `alone`: there is
 * no other to ask; `local`: not decided yet, or nobody could decide, and it ends by itself.
 */
export const endpointQuarantined = defineSignal('signalbox.endpoint.quarantined', {
  data: objectOf({
    ...ref,
    reason: quarantineReason,
    by: text,
    standing: oneOf('local', 'alone', 'confirmed'),
    forMs: positive,
    /** Its how-manieth within the last hour. */
    times: count,
    proposal: orNull(text),
  }),
})

/**
 * From the health monitor: what became of the question whether others agree. `alone`: nobody else was there to ask; `expired`, `unknown`: nobody
 * could decide. With the fence of the decision, and what was decided on.
 */
export const quarantineDecided = defineSignal('signalbox.endpoint.quarantine-decided', {
  data: objectOf({
    service: text,
    id: text,
    reason: quarantineReason,
    by: text,
    forMs: positive,
    status: oneOf('alone', 'accepted', 'rejected', 'expired', 'unknown'),
    fence: count,
    proposal: orNull(text),
  }),
})

/** From the health monitor: it was not kept out, and why not. */
export const quarantineRefused = defineSignal('signalbox.endpoint.quarantine-refused', {
  data: objectOf({ service: text, id: text, because: oneOf('unknown', 'too-many-out', 'last-routable', 'outvoted') }),
})

/** From the health monitor: a quarantine is over. */
export const endpointReleased = defineSignal('signalbox.endpoint.released', {
  data: objectOf({ ...ref, because: oneOf('recovered', 'expired', 'outvoted', 'asked') }),
})
