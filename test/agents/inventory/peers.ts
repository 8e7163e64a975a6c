import type { Row } from './row.ts'

const NODES = 'test/agents/failure-detector/nodes.test.ts'
const FAULTS = 'test/agents/cluster/faults.test.ts'
const DECIDE = 'test/agents/partition-handler/decide.test.ts'
const WATCH = 'agents/failure-detector/nodes/watch.ts#nodeWatch'

/** What nodes are to each other: who is there, who is missing, and who may decide. */
export const ROWS: readonly Row[] = [
  {
    id: 'AG-6',
    does: 'the failure detector watches other nodes by beats, helpers and suspicion, and endpoints by their requests',
    code: 'agents/failure-detector/agent.ts#failureDetector',
    test: NODES,
  },
  {
    id: 'AG-7',
    does: 'the partition handler tells a crash from a partition and decides whether this side goes on deciding',
    code: 'agents/partition-handler/agent.ts#partitionHandler',
    test: FAULTS,
  },
  {
    id: 'AC-3',
    does: 'agents of one role ask each other across nodes, with a result for each node, be it a timeout',
    code: 'agents/skills/agreement/asking-peers.ts#askPeers',
    test: 'test/agents/skills/agreement/asking-peers.test.ts',
  },
  {
    id: 'SE-2',
    does: 'pings all nodes every 5 s: the average time there and back, and what 95 % of pings keep below',
    code: 'agents/failure-detector/nodes/sensors.ts#nodeRoundTripSensor',
    test: NODES,
  },
  {
    id: 'SE-4',
    does: 'reads twice a heartbeat how long each node is silent, and φ of it',
    code: 'agents/failure-detector/nodes/sensors.ts#nodeSilenceSensor',
    test: NODES,
  },
  {
    id: 'SK-1',
    does: 'sessions of one question to many nodes with a deadline',
    code: 'agents/skills/agreement/asking-peers.ts#askingPeers',
    test: 'test/agents/skills/agreement/asking-peers.test.ts',
  },
  {
    id: 'ALG-25',
    does: 'φ-accrual, indirect probes, suspicion by confirmations, and five strategies for a partition',
    code: 'agents/partition-handler/decide.ts#decide',
    test: DECIDE,
  },
  {
    id: 'D34',
    does: 'three profiles of heartbeats: a silence is noticed after 352 ms, 3.5 s or 15.5 s',
    code: 'agents/failure-detector/nodes/settings.ts#watchSettingsOf',
    test: 'test/agents/skills/network/phi.test.ts',
  },
  {
    id: 'D39',
    does: 'one side of a partition at most decides, and the others route on',
    code: 'agents/bridge/rights.ts#Rights',
    test: DECIDE,
  },
  {
    id: 'F3',
    does: 'an endpoint whose checks pass while its requests fail is ejected within a second, and that is an alert',
    code: 'agents/failure-detector/differential.ts#observeAll',
    test: 'test/agents/failure-detector/differential.test.ts',
  },
  {
    id: 'F4',
    does: 'a node that stops for a moment is not missed; for long it is, once',
    code: 'agents/failure-detector/nodes/beat-book.ts#BeatBook',
    test: FAULTS,
  },
  {
    id: 'F5',
    does: 'a node that starves convicts nobody',
    code: 'agents/skills/network/local-health.ts#latenessOf',
    test: FAULTS,
  },
  { id: 'F6', does: 'who is not heard one way is vouched for by others', code: WATCH, test: FAULTS },
  { id: 'F7', does: 'where a fifth of all messages is lost nobody is convicted', code: WATCH, test: FAULTS },
  {
    id: 'F8',
    does: 'of three and two nodes the three decide, and all route',
    code: 'agents/partition-handler/decide.ts#decide',
    test: FAULTS,
  },
  {
    id: 'F9',
    does: 'of nodes that are all alone none decides, and all route',
    code: 'agents/partition-handler/decide.ts#decide',
    test: FAULTS,
  },
  { id: 'F10', does: 'a link that flaps changes no view', code: 'agents/skills/network/phi.ts#phiOf', test: FAULTS },
  { id: 'F11', does: 'wall clocks that jump change nothing', code: 'agents/kit/clock.ts#RegionClock', test: FAULTS },
  {
    id: 'F12',
    does: 'without the store all route, and all are registered again soon after',
    code: 'agents/bridge/embedded-store.ts#EmbeddedStore',
    test: FAULTS,
  },
]
