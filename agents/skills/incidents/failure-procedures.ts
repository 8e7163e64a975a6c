import type { Config } from '../../../engine/writer.ts'
import type { SignalOf } from '../../kit/grammar/signal.ts'
import type { FailureKind, healthAlerted } from '../../signals.ts'
import type { Compensated, Procedure } from './repair-procedure.ts'

type RecoveryKnobs = Config['agents']['health-monitor']['recovery']

/** What requests in flight have to end before their endpoint is restarted, in ms. */
const IN_FLIGHT_MS = 5_000

const NOT_REACHED = /^(?:ECONN|EHOST|ENET|ENOTFOUND|EAI_|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|no answer)/
const NOT_BELIEVED = /CERT|TLS|SSL|SIGNATURE|EPROTO/

/** What is wrong with an endpoint after a critical alert, as far as anything can be done about it; undefined: nothing can. */
export function failureOf({ metric, reason }: SignalOf<typeof healthAlerted>['data']): FailureKind | undefined {
  switch (metric) {
    case 'memory':
      return 'memory'
    case 'certificate-days':
      return 'expiring'
    case 'availability':
    case 'loss':
      if (NOT_BELIEVED.test(reason)) return 'untrusted'
      return NOT_REACHED.test(reason) ? 'refused' : 'failed-check'
    case 'error-rate':
    case 'response-time':
    case 'network-latency':
    case 'cpu':
      return 'errors'
    default:
      return undefined
  }
}

/**
 * How each failure is repaired; undefined where the config says nobody who could do it.
 *
 *   failed-check   look again
 *   refused        have names looked up, connect, look again
 *   untrusted      connect by certificates as they are in the files now, look again
 *   errors         leave it alone for a while, connect, see how requests go: its checks may have passed all along. Its breaker is not ours to
 *                  close: it is the settling threads', and asks for itself with one probe at a time
 *   memory         send it nothing new, let what is in flight end, have it restarted, connect, let it back; in vain: let it back too
 *   expiring       have the certificate renewed, connect
 */
export function procedureOf(kind: FailureKind, knobs: RecoveryKnobs): Procedure | undefined {
  const { attempts: maxAttempts, backOff: backOffMs, coolDown, restart, certificate } = knobs
  // Of the others nothing is seen in a look: an endpoint whose memory is full may answer well.
  const looksFirst = kind === 'failed-check' || kind === 'refused' || kind === 'untrusted'
  const of = (steps: readonly Compensated[]): Procedure => ({
    ...{ name: kind, looksFirst, steps, maxAttempts, backOffMs },
    verify: { do: kind === 'errors' ? 'see-requests' : 'look' },
  })
  switch (kind) {
    case 'failed-check':
      return of([])
    case 'refused':
      return of([{ do: 'refresh-names' }, { do: 'connect' }])
    case 'untrusted':
      return of([{ do: 'connect' }])
    case 'errors':
      return of([{ do: 'wait', ms: coolDown }, { do: 'connect' }])
    case 'memory':
      if (restart === undefined) return undefined
      return of([
        { do: 'isolate', undo: { do: 'release' } },
        { do: 'wait', ms: IN_FLIGHT_MS },
        { do: 'call', hook: restart, what: 'restart' },
        { do: 'connect' },
        { do: 'release' },
      ])
    case 'expiring':
      if (certificate === undefined) return undefined
      return of([{ do: 'call', hook: certificate, what: 'certificate' }, { do: 'connect' }])
  }
}
