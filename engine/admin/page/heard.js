/**
 * What the agents tell that people want to know and that no row of the page shows: each kind of signal as a sentence, `[who, is what, why]`.
 */
import { readEvents } from './events.js'

const emergency = ({ type, subject }) => `emergency, ${type.replaceAll('_', ' ')} of ${subject},`

export const SENTENCES = {
  'signalbox.health.alerted': ({ rule, subject, reason }) => [`alert ${rule}`, `raised for ${subject}`, reason],
  'signalbox.endpoint.quarantine-refused': ({ service, id, because }) => [
    `${service} / ${id}`,
    'not kept out',
    because,
  ],
  'signalbox.emergency.started': data => [emergency(data), 'met', data.actions.join(', ')],
  'signalbox.emergency.refused': data => [emergency(data), 'not met', data.because],
  'signalbox.emergency.escalated': data => [emergency(data), `at level ${data.level}`, data.because],
  'signalbox.emergency.resolved': data => [emergency(data), 'over'],
  'signalbox.incident.escalated': ({ subject, level, because }) => [
    `incident of ${subject}`,
    `at level ${level}`,
    because,
  ],
  'signalbox.incident.human-needed': ({ subject, because }) => [
    `incident of ${subject}`,
    'waiting for a person',
    because,
  ],
  'signalbox.incident.resolved': ({ subject, because }) => [`incident of ${subject}`, 'over', because],
  'signalbox.partition.detected': ({ sides, verdict }) => [
    'the cluster',
    `in ${sides.length} parts`,
    `here: ${verdict}`,
  ],
  'signalbox.partition.healed': () => ['the cluster', 'whole again'],
  'signalbox.node.health-changed': ({ node, to, reason }) => [`node ${node}`, to, reason],
  'signalbox.node.resource-exhausted': ({ resource, isOver }) => [
    `${resource} of this process`,
    isOver ? 'short' : 'enough again',
  ],
  'signalbox.leader.changed': ({ role, isHere, because }) => [
    role,
    isHere ? 'led from here' : 'not led from here',
    because,
  ],
  'signalbox.operation.finished': ({ operation, status, because }) => [
    `operation ${operation.replaceAll('_', ' ')}`,
    status,
    because,
  ],
  'signalbox.service.surge-begun': ({ service, class: kind, perSecond, usual }) => [
    service,
    `in a surge (${kind})`,
    `${Math.round(perSecond)} requests a second, usual are ${Math.round(usual)}`,
  ],
  'signalbox.service.surge-ended': ({ service }) => [service, 'past its surge'],
  'signalbox.service.shedding-changed': ({ service, from, because }) => [
    service,
    from === null ? 'open to all classes' : `closed to ${from} and lower classes`,
    because,
  ],
  'signalbox.service.admission-changed': ({ service, admitted, because }) => [
    service,
    admitted === null ? 'open to any number of requests' : `held to ${admitted} requests at a time`,
    because,
  ],
  'signalbox.service.policy-taken': ({ service, policy, refused }) =>
    refused === '' ? [service, policy === '' ? 'picked for as configured' : `picked for by ${policy}`] : undefined,
  'signalbox.discovery.source-changed': ({ service, source, reason }) => [
    `source ${source} of ${service}`,
    reason === '' ? 'answering again' : 'not answering',
    reason,
  ],
  'signalbox.zone.preference-changed': ({ service, because }) => [service, 'spread over zones anew', because],
}

/** The stream has a comment at least every 10 s. */
const SILENCE_MS = 30_000
const RETRY_MS = 3_000
/** Statuses after which asking again is of no use: no token any more, or no agents to hear. */
const FINAL = [401, 404, 503]

/** Hears for as long as there is something to hear; what was told meanwhile is caught up with. */
export async function hear(tell) {
  const types = Object.keys(SENTENCES).map(type => `type=${type}`)
  let last
  for (;;) {
    const after = last === undefined ? {} : { 'last-event-id': last }
    const onEvent = ({ type, time, data }, id) => {
      last = id
      const [who, what, why] = SENTENCES[type]?.(data) ?? []
      if (who !== undefined) tell(Date.parse(time), who, what, why)
    }
    const status = await readEvents(`api/v1/signals?${types.join('&')}`, SILENCE_MS, onEvent, after).catch(() => 0)
    if (FINAL.includes(status)) return
    await new Promise(resolve => setTimeout(resolve, RETRY_MS * (0.5 + Math.random())))
  }
}
