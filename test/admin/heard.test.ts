import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  admissionChanged,
  emergencyEscalated,
  emergencyRefused,
  emergencyResolved,
  emergencyStarted,
  healthAlerted,
  humanNeeded,
  incidentEscalated,
  incidentResolved,
  leaderChanged,
  nodeHealthChanged,
  operationFinished,
  partitionDetected,
  partitionHealed,
  policyTaken,
  quarantineRefused,
  resourceExhausted,
  sheddingChanged,
  sourceChanged,
  surgeBegun,
  surgeEnded,
  zonesPreferred,
} from '../../agents/signals.ts'

type Sentence = (data: unknown) => [who: string, what: string, why?: string] | undefined

const { SENTENCES }: { SENTENCES: Record<string, Sentence> } = await import(
  new URL('../../../engine/admin/page/heard.js', import.meta.url).href
)

const emergency = { id: 'e1', type: 'node_failure', subject: 'n2' } as const
const incident = { incident: 'i1', subject: 'api/a', because: 'checks fail' }

/** One signal of each kind that the dashboard tells, and the sentence it makes of it. */
const TOLD: readonly (readonly [{ readonly type: string; readonly data: unknown }, string | undefined])[] = [
  [
    healthAlerted.of({
      ...{ rule: 'error-rate', severity: 'critical', subject: 'api/a', metric: 'error-rate' },
      ...{ value: 0.2, threshold: 0.1, reason: 'a fifth fails' },
    }),
    'alert error-rate is raised for api/a (a fifth fails)',
  ],
  [
    quarantineRefused.of({ service: 'api', id: 'a', because: 'last-routable' }),
    'api / a is not kept out (last-routable)',
  ],
  [
    emergencyStarted.of({ ...emergency, actions: ['check', 'shift load'], tookMs: 3 }),
    'emergency, node failure of n2, is met (check, shift load)',
  ],
  [
    emergencyRefused.of({ type: 'node_failure', subject: 'n2', because: '32 are met' }),
    'emergency, node failure of n2, is not met (32 are met)',
  ],
  [
    emergencyEscalated.of({ ...emergency, level: 2, because: 'it lasts', afterMs: 60_000 }),
    'emergency, node failure of n2, is at level 2 (it lasts)',
  ],
  [emergencyResolved.of({ ...emergency, met: ['alive'], afterMs: 9 }), 'emergency, node failure of n2, is over'],
  [
    incidentEscalated.of({ ...incident, level: 1, afterMs: 9, repeats: 1, tried: [] }),
    'incident of api/a is at level 1 (checks fail)',
  ],
  [humanNeeded.of({ ...incident, tried: ['reconnect'] }), 'incident of api/a is waiting for a person (checks fail)'],
  [incidentResolved.of({ ...incident, afterMs: 9, level: 1 }), 'incident of api/a is over (checks fail)'],
  [
    partitionDetected.of({ partition: 'p', sides: [['a'], ['b']], here: 0, strategy: 'majority', verdict: 'keep' }),
    'the cluster is in 2 parts (here: keep)',
  ],
  [partitionHealed.of({ partition: 'p', nodes: ['a', 'b'], tookMs: 9 }), 'the cluster is whole again'],
  [
    nodeHealthChanged.of({ node: 'n2', incarnation: 1, from: 'suspect', to: 'dead', phi: 9, reason: 'silent' }),
    'node n2 is dead (silent)',
  ],
  [
    resourceExhausted.of({ resource: 'memory', used: 0.9, limit: 0.8, isOver: true }),
    'memory of this process is short',
  ],
  [
    leaderChanged.of({ role: 'orchestrator', isHere: false, standing: 'candidate', fence: 2, because: 'n1 leads' }),
    'orchestrator is not led from here (n1 leads)',
  ],
  [
    operationFinished.of({
      ...{ id: 'o1', operation: 'optimize_performance', status: 'done', because: 'p99 fell' },
      ...{ tookMs: 9, before: {}, after: {} },
    }),
    'operation optimize performance is done (p99 fell)',
  ],
  [
    surgeBegun.of({ service: 'api', class: 'organic', perSecond: 499.6, usual: 100 }),
    'api is in a surge (organic) (500 requests a second, usual are 100)',
  ],
  [surgeEnded.of({ service: 'api', class: 'organic', tookMs: 9, peakPerSecond: 500 }), 'api is past its surge'],
  [
    sheddingChanged.of({ service: 'api', from: 'sheddable', because: 'memory' }),
    'api is closed to sheddable and lower classes (memory)',
  ],
  [sheddingChanged.of({ service: 'api', from: null, because: 'calm' }), 'api is open to all classes (calm)'],
  [admissionChanged.of({ service: 'api', admitted: 40, because: 'cpu' }), 'api is held to 40 requests at a time (cpu)'],
  [
    admissionChanged.of({ service: 'api', admitted: null, because: 'calm' }),
    'api is open to any number of requests (calm)',
  ],
  [
    policyTaken.of({ service: 'api', policy: 'random', before: 'adaptive', refused: '' }),
    'api is picked for by random',
  ],
  [policyTaken.of({ service: 'api', policy: '', before: 'random', refused: '' }), 'api is picked for as configured'],
  [policyTaken.of({ service: 'api', policy: 'magic', before: 'random', refused: 'unknown' }), undefined],
  [
    sourceChanged.of({ service: 'api', source: 'dns:a.test', by: 'dns', reason: 'ENOTFOUND' }),
    'source dns:a.test of api is not answering (ENOTFOUND)',
  ],
  [
    sourceChanged.of({ service: 'api', source: 'dns:a.test', by: 'dns', reason: '' }),
    'source dns:a.test of api is answering again',
  ],
  [zonesPreferred.of({ service: 'api', zones: [], because: 'z2 is far' }), 'api is spread over zones anew (z2 is far)'],
]

test('what the dashboard makes of the signals it hears is a sentence for each', () => {
  for (const [{ type, data }, expected] of TOLD) {
    const [who, what, why = ''] = SENTENCES[type]?.(data) ?? []
    const sentence = who === undefined ? undefined : `${who} is ${what}${why === '' ? '' : ` (${why})`}`
    assert.equal(sentence, expected)
  }
  const heard = new Set(TOLD.map(([{ type }]) => type))
  assert.deepEqual(
    Object.keys(SENTENCES).filter(type => !heard.has(type)),
    [],
    'no sentence that was not seen here',
  )
})
