import type { Row } from './row.ts'

export const ROWS: readonly Row[] = [
  {
    id: 'AG-11',
    does: 'keeps counts and latencies of the last 10 s and 60 s, by service and by endpoint, and tells them every 5 s',
    code: 'agents/metrics-collector/agent.ts#metricsCollector',
    test: 'test/agents/metrics-collector/plane.test.ts',
  },
  {
    id: 'AG-12',
    does: 'tells of each config that is taken, with version and digest; a bad one is refused whole and the version stays',
    code: 'agents/configuration-manager/agent.ts#configurationManager',
    test: 'test/agents/configuration-manager/versions.test.ts',
  },
  {
    id: 'D27',
    does: 'one schema has every default, of services and of agents, and everybody reads them from it',
    code: 'engine/config/agents-schema.ts#agentsSchema',
    test: 'test/config/every-key.test.ts',
  },
  {
    id: 'D40',
    does: 'figures come with samples, spread, machine and Node, each timed by what it is: batches, or one by one',
    code: 'native-bench/harness.ts#measure',
    test: 'test/native-bench/harness.test.ts',
  },
  {
    id: 'F1',
    does: 'an endpoint that is killed under load is ejected after five failures in a row; retries spare everybody downstream',
    code: 'agents/failure-detector/consecutive.ts#follow',
    test: 'test/e2e/endpoint-faults.e2e.test.ts',
  },
  {
    id: 'F2',
    does: 'an endpoint that is ten times slower gets a fifth of its part at most, and is not taken out for it',
    code: 'engine/policies/adaptive.ts#adaptive',
    test: 'test/e2e/endpoint-faults.e2e.test.ts',
  },
]
