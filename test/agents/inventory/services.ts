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
]
