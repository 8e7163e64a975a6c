import { z } from 'zod'
import { hook } from '../hook.ts'
import { flag, number, whole } from '../leaf.ts'
import { choice, keys, name } from '../names.ts'
import { duration } from '../units.ts'

const METRICS = [
  'cpu',
  'memory',
  'network-latency',
  'response-time',
  'error-rate',
  'loss',
  'availability',
  'certificate-days',
] as const

/** Each is held against everything that is measured. */
const RULES_MAX = 64

const alertRule = keys({
  name: name('a name', 64).describe(
    'Of the rule; one that is there already, such as unhealthy, is replaced. Required.',
  ),
  metric: choice('a metric', METRICS).describe(
    'What is watched: cpu, memory, error-rate, loss and availability are shares from 0 to 1, response-time and network-latency ms, certificate-days days. Required.',
  ),
  op: choice('a comparison', ['above', 'below']).describe('Whether above or below the threshold is bad. Required.'),
  threshold: number({ min: 0, max: 1e9, whole: false }).describe('In the unit of the metric. Required.'),
  for: duration().prefault('0s').describe('How long it must be so. Default 0s.'),
  severity: choice('a severity', ['info', 'warning', 'critical'])
    .prefault('info')
    .describe('info is told, warning spares the endpoint, critical has it repaired. Default info.'),
  cooldown: duration({ max: '24h' })
    .prefault('60s')
    .describe('So long it is not told again of the same endpoint. Default 60s.'),
})

const quarantine = keys({
  failed: duration({ min: '1s', max: '24h' })
    .prefault('60s')
    .describe('How long an endpoint is kept out that failed; less when its checks failed and pass again. Default 60s.'),
  flapping: duration({ min: '1s', max: '24h' })
    .prefault('2m')
    .describe('How long one is kept out that comes and goes. Default 2m.'),
  anomaly: duration({ min: '1s', max: '24h' })
    .prefault('30s')
    .describe('How long one is kept out whose figures are not what they usually are. Default 30s.'),
  security: duration({ min: '1s', max: '24h' })
    .prefault('10m')
    .describe('How long one is kept out that is not to be trusted. Default 10m.'),
  longest: duration({ min: '1s', max: '24h' })
    .prefault('30m')
    .describe('Each further time within an hour is twice as long, up to this. Default 30m.'),
  passes: whole(1, 100).prefault(3).describe('Checks in a row that let one back that failed them. Default 3.'),
  agreement: duration({ min: '100ms', max: '10m' })
    .prefault('30s')
    .describe('How long the monitors of other nodes have to agree. Default 30s.'),
  flaps: whole(0, 100).prefault(3).describe('So many times unhealthy within 5m is flapping. 0: nothing is. Default 3.'),
})

const recovery = keys({
  attempts: whole(1, 10).prefault(3).describe('How often a procedure is tried. Default 3.'),
  backOff: duration({ max: '10m' })
    .prefault('10s')
    .describe('Before the second attempt, twice as long before each further one. Default 10s.'),
  coolDown: duration({ max: '10m' })
    .prefault('30s')
    .describe('How long one that answers with errors is left alone before it is looked at again. Default 30s.'),
  restart: hook().optional().describe('Told to restart an endpoint whose memory is full. Default absent: nobody is.'),
  certificate: hook().optional().describe('Told to renew the certificate of an endpoint. Default absent: nobody is.'),
})

const escalation = keys({
  orchestratorAfter: duration().prefault('60s').describe('From then on the cluster orchestrator is told. Default 60s.'),
  operatorAfter: duration().prefault('5m').describe('From then on the operator is told. Default 5m.'),
  pageAfter: duration().prefault('15m').describe('From then on somebody is paged. Default 15m.'),
  repeats: whole(1, 1000)
    .prefault(3)
    .describe('So many further alerts of an incident raise it a level, whatever the time. Default 3.'),
  operator: hook().optional().describe('How the operator is told. Default absent: by the log alone.'),
  page: hook().optional().describe('How somebody is paged. Default absent: by the log alone.'),
})

/** What the health monitor does about what it finds. */
export const incidentKnobs = {
  autoRecovery: flag()
    .prefault(true)
    .describe('Whether critical alerts have an endpoint repaired; else a person is called at once. Default true.'),
  alerts: z
    .array(alertRule)
    .max(RULES_MAX, { error: issue => `${(issue.input as unknown[]).length} rules; write ${RULES_MAX} at most` })
    .prefault([])
    .describe('Rules beside those that are always there, 64 at most. Default none.'),
  quarantine: quarantine.prefault({}).describe('How long endpoints are kept out. Default: see each key.'),
  recovery: recovery.prefault({}).describe('How endpoints are repaired. Default: see each key.'),
  escalation: escalation.prefault({}).describe('Who is told when nothing helps. Default: see each key.'),
}
