import type { Row } from './row.ts'

const MONITOR = 'test/agents/health-monitor'
const SKILLS = 'test/agents/skills'

/** What watches endpoints: kinds of checks, what is usual, what is odd, and how often to look. */
export const ROWS: readonly Row[] = [
  {
    id: 'AG-3',
    does: 'checks endpoints over HTTP, TCP, TLS and gRPC, takes out those that fail, looks closer now and then, and learns what is usual',
    code: 'agents/health-monitor/agent.ts#healthMonitor',
    test: `${MONITOR}/plane.test.ts`,
  },
  {
    id: 'AC-24',
    does: 'looks at an endpoint when asked: basic, comprehensive, deep or predictive; another kind is answered as unsupported',
    code: 'agents/health-monitor/looking.ts#onRequested',
    test: `${MONITOR}/looking.test.ts`,
  },
  {
    id: 'AC-28',
    does: 'learns mean, deviation and 95th percentile of each figure of each endpoint, from healthy samples alone',
    code: 'agents/skills/usual/baselines.ts#baselines',
    test: `${SKILLS}/usual/baselines.test.ts`,
  },
  {
    id: 'AC-30',
    does: 'checks calm endpoints two, then four times less often and suspect ones four times as often, where the config lets it',
    code: 'agents/health-monitor/tempo.ts#tunedMs',
    test: `${MONITOR}/tempo.test.ts`,
  },
  {
    id: 'SE-8',
    does: 'reads the health words of all endpoints each second, and tells which have changed',
    code: 'agents/health-monitor/sensors/health-words.ts#healthWords',
    test: `${MONITOR}/sensors.test.ts`,
  },
  {
    id: 'SE-20',
    does: 'tells whether endpoints live, how long by their own word, and how often they began anew',
    code: 'agents/health-monitor/sensors/vitals.ts#vitals',
    test: `${MONITOR}/sensors.test.ts`,
  },
  {
    id: 'SE-21',
    does: 'tells what health answers say: status, word, dependencies',
    code: 'agents/health-monitor/sensors/application.ts#application',
    test: `${MONITOR}/sensors.test.ts`,
  },
  {
    id: 'SE-22',
    does: 'tells latency, jitter and loss of the last hundred connections to each endpoint',
    code: 'agents/health-monitor/sensors/network.ts#network',
    test: `${MONITOR}/sensors.test.ts`,
  },
  {
    id: 'SE-23',
    does: 'tells how much of their CPU, memory and network endpoints say they use, by header or body; looks hold it against thresholds',
    code: 'agents/health-monitor/sensors/resources.ts#resources',
    test: `${MONITOR}/sensors.test.ts`,
  },
  {
    id: 'SE-24',
    does: 'tells which part of the requests went well in 1, 5 and 15 minutes, and how fast failures use up the goal',
    code: 'agents/health-monitor/sensors/availability.ts#availability',
    test: `${MONITOR}/sensors.test.ts`,
  },
  {
    id: 'SE-26',
    does: 'tells whether certificates are trusted and for how many days yet, and checks that are turned away',
    code: 'agents/health-monitor/sensors/security.ts#security',
    test: `${MONITOR}/sensors.test.ts`,
  },
  {
    id: 'SK-15',
    does: 'puts together in one word, a score and reasons how an endpoint is, with its trend and its history',
    code: 'agents/skills/usual/health-analysis.ts#healthAnalysis',
    test: `${SKILLS}/usual/health-analysis.test.ts`,
  },
  {
    id: 'SK-17',
    does: 'keeps baselines: learns, stands still while something is wrong, begins anew with another tenant',
    code: 'agents/skills/usual/usual.ts#Usual',
    test: `${SKILLS}/usual/baselines.test.ts`,
  },
  {
    id: 'SK-18',
    does: 'tells when figures stand out by one of four models, and when they are as usual again',
    code: 'agents/skills/usual/anomaly-detection.ts#anomalyDetection',
    test: `${SKILLS}/usual/anomaly-detection.test.ts`,
  },
  {
    id: 'ALG-14',
    does: 'six looks at once, each late by itself alone; what they come to, and a score',
    code: 'agents/skills/usual/examination-verdict.ts#concludeFrom',
    test: `${MONITOR}/examine/examine-endpoint.test.ts`,
  },
  {
    id: 'ALG-15',
    does: 'CPU beyond 2.5 deviations of the twenty values before',
    code: 'agents/skills/usual/anomaly-models.ts#statistical',
    test: `${SKILLS}/usual/anomaly-models.test.ts`,
  },
  {
    id: 'ALG-16',
    does: 'memory beyond 2 deviations of fifteen values, or growing along a line',
    code: 'agents/skills/usual/anomaly-models.ts#memory',
    test: `${SKILLS}/usual/anomaly-models.test.ts`,
  },
  {
    id: 'ALG-17',
    does: 'connections whose trend over thirty leads 30 % beyond the usual',
    code: 'agents/skills/usual/anomaly-models.ts#trend',
    test: `${SKILLS}/usual/anomaly-models.test.ts`,
  },
  {
    id: 'ALG-18',
    does: 'response times whose 95th percentile is more than twice the usual one',
    code: 'agents/skills/usual/anomaly-models.ts#percentile',
    test: `${SKILLS}/usual/anomaly-models.test.ts`,
  },
  {
    id: 'ALG-18b',
    does: 'one is a warning, two are critical, the gravest says how grave; without a baseline exactly none',
    code: 'agents/skills/usual/anomaly-models.ts#severityOf',
    test: `${SKILLS}/usual/anomaly-models.test.ts`,
  },
  {
    id: 'D4',
    does: 'a new endpoint is checked at once, and routable until the answer is there',
    code: 'agents/health-monitor/agent.ts#onTables',
    test: `${MONITOR}/looking.test.ts`,
  },
  {
    id: 'D20',
    does: 'looks are functions that are called when they are due, each once',
    code: 'agents/health-monitor/examine/looks.ts#lookFor',
    test: `${MONITOR}/examine/examine-endpoint.test.ts`,
  },
  {
    id: 'D21',
    does: 'baselines are learnt from what checks and requests say, and anomalies follow from them in the running engine',
    code: 'agents/skills/usual/baseline.ts#Baseline',
    test: `${MONITOR}/plane.test.ts`,
  },
]
