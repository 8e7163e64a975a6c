import { flag, number, whole } from './leaf.ts'
import { keys } from './names.ts'
import { duration, ratio } from './units.ts'

/**
 * Passive removal. Names and defaults are Envoy's, in the words of this config; what Envoy detects and does not enforce
 * unless told to is off here.
 */
export const outlierSchema = keys({
  consecutive5xx: whole(0, 1000)
    .prefault(5)
    .describe('Failures in a row (5xx, broken connection, timeout) that eject an endpoint. 0: never. Default 5.'),
  consecutiveGateway: whole(0, 1000)
    .prefault(0)
    .describe(
      'Gateway failures in a row (502, 503, 504, broken connection, timeout) that eject an endpoint; another 5xx between them begins anew. 0: never. Default 0.',
    ),
  splitLocalOrigin: flag()
    .prefault(false)
    .describe(
      'Whether failures before an answer (refused or broken connection, timeout) are counted apart from failed answers, in consecutiveLocalOrigin and rates of their own. Default false: they count as 503 or 504.',
    ),
  consecutiveLocalOrigin: whole(0, 1000)
    .prefault(5)
    .describe(
      'Failures before an answer, in a row, that eject an endpoint; any answer begins anew. Counts only with splitLocalOrigin. 0: never. Default 5.',
    ),
  interval: duration({ min: '10ms' })
    .prefault('10s')
    .describe(
      'Span over which rates and quantiles are taken, and after which a returned endpoint is forgiven one ejection; 10ms or more. Default 10s.',
    ),
  baseEjection: duration()
    .prefault('30s')
    .describe('Length of the first ejection; each further one is longer by this much. Default 30s.'),
  maxEjection: duration().prefault('300s').describe('Longest ejection, at least baseEjection. Default 300s.'),
  ejectionJitter: ratio()
    .prefault('10%')
    .describe(
      'Share of an ejection that is added to it at random at most, so that not all return together. Default 10%.',
    ),
  maxEjected: ratio()
    .prefault('10%')
    .describe(
      'Largest share of the endpoints of a service that is ejected at a time; one always may, and more than half never. Default 10%.',
    ),
  successRateStdev: number({ min: 0, max: 100, whole: false })
    .prefault(1.9)
    .describe(
      'An endpoint is ejected whose success rate is below the mean of all by more than so many standard deviations. 0: never. Default 1.9.',
    ),
  successRateMinHosts: whole(1, 65_536)
    .prefault(5)
    .describe('Endpoints of enough volume it takes to compare success rates. Default 5.'),
  successRateVolume: whole(1, 1_000_000)
    .prefault(100)
    .describe('Requests of an endpoint in an interval it takes to compare its success rate. Default 100.'),
  failurePercentage: ratio()
    .prefault(0)
    .describe(
      'An endpoint is ejected of whose requests in an interval this share or more failed. 0: never. Default 0.',
    ),
  failurePercentageMinHosts: whole(1, 65_536)
    .prefault(5)
    .describe('Endpoints of enough volume it takes to judge by failurePercentage. Default 5.'),
  failurePercentageVolume: whole(1, 1_000_000)
    .prefault(50)
    .describe('Requests of an endpoint in an interval it takes to judge it by failurePercentage. Default 50.'),
  burst: ratio()
    .prefault('20%')
    .describe(
      'An endpoint is ejected at once of whose requests within one second so much more failed than of those to all others, where that is no chance. 0: never. Default 20%.',
    ),
  burstVolume: whole(1, 1_000_000)
    .prefault(50)
    .describe(
      'Requests of an endpoint, and of all others together, within the second it takes to judge by burst. Default 50.',
    ),
  silence: duration()
    .prefault('100ms')
    .describe(
      'An endpoint is ejected that keeps three requests waiting so long without answering any, or five times as long as 99 % of the requests to its service take if that is longer, while another endpoint answers; one request suffices after twice the longest time that it went without an answer of late; until it answers or passes a health check again, and is tried again after a second unless health checks fail. 0s: never. Default 100ms.',
    ),
  latencyQuantile: ratio()
    .prefault(0)
    .describe('Quantile by which the latencies of endpoints are compared, such as 95%. 0: never. Default 0.'),
  latencyFactor: number({ min: 1, max: 1000, whole: false })
    .prefault(3)
    .describe(
      'An endpoint is ejected whose latency at latencyQuantile is above so many times the median of the others. Default 3.',
    ),
  latencyVolume: whole(1, 1_000_000)
    .prefault(100)
    .describe('Timed requests of an endpoint in an interval it takes to compare its latency. Default 100.'),
})
