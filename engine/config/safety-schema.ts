import { hostname } from 'node:os'
import { z } from 'zod'
import { number, textLeaf, whole } from './leaf.ts'
import { choice, keys } from './names.ts'
import { duration, ratio, size } from './units.ts'
import { kindOf } from './wording.ts'

/**
 * What stands around picking: how much there may be of everything, when an endpoint is left alone, which part of a service
 * a request is kept to. Names and defaults are Envoy's where it has them.
 */

const count = (most = 10_000_000) => whole(0, most)

export const retrySchema = keys({
  attempts: whole(0, 10)
    .prefault(2)
    .describe('Attempts after the first try, each on another endpoint while one is usable, 0 to 10. Default 2.'),
  statuses: z
    .array(whole(400, 599), {
      error: issue => `${kindOf(issue.input)} is not a list of statuses; write a list such as [502, 503, 504]`,
    })
    .prefault([502, 503, 504])
    .describe('Statuses after which an idempotent request is tried again, 400 to 599. Default 502, 503, 504.'),
  perTry: duration()
    .prefault('0s')
    .describe(
      'Time each try has for its response header; then comes the next one, or 504 where none may. 0s: none. Default 0s.',
    ),
  hedge: duration()
    .prefault('0s')
    .describe(
      'Time without an answer after which an idempotent request without a body is sent to a second endpoint too; the first answer wins. 0s: never. Default 0s.',
    ),
  bodyBytes: size({ min: '0B', max: '16MiB' })
    .prefault('64KiB')
    .describe(
      'Bytes of a request body that are kept so that a PUT or DELETE can be tried again, up to 16MiB. Default 64KiB.',
    ),
  backOff: duration({ min: '1ms', max: '10s' })
    .prefault('25ms')
    .describe(
      'Longest wait before the same endpoint is tried again, where no other is usable; doubled for each further try, and drawn from half of it up. Default 25ms.',
    ),
  maxBackOff: duration({ min: '1ms', max: '60s' })
    .prefault('250ms')
    .describe('Longest such wait; a Retry-After that asks for more ends the tries. Default 250ms.'),
  budget: ratio()
    .prefault('20%')
    .describe('Second tries that may be under way, as a share of the requests in flight. Default 20%.'),
  budgetMin: whole(0, 10_000)
    .prefault(3)
    .describe('So many second tries may always be under way, 0 to 10000. Default 3.'),
}).refine(({ backOff, maxBackOff }) => maxBackOff >= backOff, {
  path: ['maxBackOff'],
  error: 'is shorter than backOff; write as much or more',
})

export const serviceLimitsSchema = keys({
  requests: count()
    .prefault(1024)
    .describe('Requests in flight of the service, all threads together. 0: no limit. Default 1024.'),
  connections: count()
    .prefault(1024)
    .describe('Connections of the proxy to its endpoints, all threads together. 0: no limit. Default 1024.'),
  retries: count()
    .prefault(3)
    .describe('Second tries under way where retry.budget and retry.budgetMin are 0. 0: no limit. Default 3.'),
  endpointRequests: count().prefault(0).describe('Requests in flight on one endpoint. 0: no limit. Default 0.'),
  pending: count()
    .prefault(1024)
    .describe('Requests of the service that may wait for room, all threads together. 0: none. Default 1024.'),
  queueTimeout: duration()
    .prefault('0s')
    .describe(
      'How long a request waits for room where a limit is reached, the dearer classes first. 0s: not at all. Default 0s.',
    ),
})

export const breakerSchema = keys({
  consecutiveFailures: whole(0, 1_000_000)
    .prefault(5)
    .describe('Failures in a row that open the breaker of an endpoint. 0: never. Default 5.'),
  errorRate: ratio().prefault('50%').describe('Share of failures in a window that opens it. 0%: never. Default 50%.'),
  errorRateVolume: whole(1, 1_000_000)
    .prefault(20)
    .describe('Requests a window must have for errorRate to count. Default 20.'),
  window: duration({ min: '100ms', max: '24h' }).prefault('10s').describe('Length of a window. Default 10s.'),
  openFor: duration({ min: '10ms', max: '24h' })
    .prefault('5s')
    .describe('Time until a first probe is let through; twice as long after each that fails. Default 5s.'),
  maxOpenFor: duration({ min: '10ms', max: '24h' }).prefault('60s').describe('Longest such time. Default 60s.'),
  probes: whole(1, 1000).prefault(1).describe('Probes in a row that must pass to close it. Default 1.'),
}).refine(({ openFor, maxOpenFor }) => maxOpenFor >= openFor, {
  path: ['maxOpenFor'],
  error: 'is shorter than openFor; write as much or more',
})

const byZone = (least: number, what: string) =>
  z
    .record(
      textLeaf({ what: 'a zone', wish: 'write the name of a zone', read: value => ({ value }) }),
      number({ min: least, max: 1_000_000, whole: true }),
    )
    .describe(what)

export const localitySchema = keys({
  mode: choice('a mode', ['zone-aware', 'weighted'])
    .prefault('zone-aware')
    .describe(
      'zone-aware: requests stay in the zone of this node as long as that is fair to all zones. weighted: zones get requests by their weights. Default zone-aware.',
    ),
  minEndpoints: whole(1, 65_536)
    .prefault(6)
    .describe('Healthy endpoints a service must have for zone-aware to apply. Default 6.'),
  nodes: byZone(
    0,
    'Of zone-aware: nodes such as this one, by zone. Default: one in each zone with endpoints.',
  ).optional(),
  weights: byZone(0, 'Of weighted: weight by zone, whole numbers. Default: 1 each.').optional(),
})

export const subsettingSchema = keys({
  size: whole(1, 65_536).describe('Endpoints of the service this node keeps to. Required.'),
  node: textLeaf<string>({
    what: 'a name of this node',
    wish: 'write a text of 1 to 128 characters',
    read: value =>
      value.length >= 1 && value.length <= 128
        ? { value }
        : { fault: 'is not a name of this node; write a text of 1 to 128 characters' },
  })
    .prefault(() => hostname().slice(0, 128) || 'node')
    .describe('What tells this node from others. Default: the name of the machine.'),
})

/** What a route may say of the part of its service that it leads to. */
export const subsetSchema = z
  .record(
    textLeaf({ what: 'a metadata key', wish: 'write a text', read: value => ({ value }) }),
    textLeaf({ what: 'a text', wish: 'write a text', read: value => ({ value }) }),
  )
  .optional()
