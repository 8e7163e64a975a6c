import type { Row } from './row.ts'

const ROOM = 'agents/node-discovery'
const TESTS = 'test/agents/node-discovery'
const SKILLS = 'agents/skills'
const SKILL_TESTS = 'test/agents/skills'

/** What node discovery does, and its skills. */
export const ROWS: readonly Row[] = [
  {
    id: 'AG-1',
    does: 'finds endpoints and nodes by five strategies at once, and connects to them before anybody is sent there',
    code: `${ROOM}/agent.ts#nodeDiscovery`,
    test: `${TESTS}/agent.test.ts`,
  },
  {
    id: 'AC-8',
    does: 'asks every source at once, each by itself; what has come within 10 s is the answer',
    code: `${ROOM}/look-up.ts#discover`,
    test: `${TESTS}/agent.test.ts`,
  },
  {
    id: 'AC-9',
    does: 'tells of this node in its multicast group, on the schedule of announcements',
    code: `${ROOM}/presence/speak.ts#speak`,
    test: `${TESTS}/presence.test.ts`,
  },
  {
    id: 'AC-10',
    does: 'connects to what was found; what cannot be reached stays out, is told as unverified and tried again later each time',
    code: `${ROOM}/try-endpoint.ts#tryEndpoint`,
    test: `${TESTS}/agent.test.ts`,
  },
  {
    id: 'AC-11',
    does: 'makes the next version of the topology where something has changed, and keeps the last hundred changes',
    code: `${ROOM}/topology.ts#nextTopology`,
    test: `${TESTS}/nodes.test.ts`,
  },
  {
    id: 'AC-12',
    does: 'takes a node that has failed out of the topology, with all that was measured of it',
    code: `${ROOM}/nodes.ts#fail`,
    test: `${TESTS}/nodes.test.ts`,
  },
  {
    id: 'AC-14',
    does: 'goes through the registry when somebody comes or goes, and all of it every 15 s',
    code: `${SKILLS}/network/registry-nodes.ts#syncRegistry`,
    test: `${TESTS}/agent.test.ts`,
  },
  {
    id: 'AC-15',
    does: 'tells each version of the topology once, and again to agents that have started since',
    code: `${ROOM}/nodes.ts#toTell`,
    test: `${TESTS}/nodes.test.ts`,
  },
  {
    id: 'SE-5',
    does: 'sees within a second who has come to the registry and who has gone',
    code: `${SKILLS}/network/registry-nodes.ts#registryNodes`,
    test: `${SKILL_TESTS}/network/registry-nodes.test.ts`,
  },
  {
    id: 'SE-7',
    does: 'connects to the endpoints of the tables in turn, 64 at a time, and to nothing else',
    code: `${SKILLS}/network/network-analysis.ts#networkScan`,
    test: `${SKILL_TESTS}/network/network-analysis.test.ts`,
  },
  {
    id: 'SE-10',
    does: 'bytes a second to and from each endpoint, and what large answers come with, as the proxy carried them',
    code: `${SKILLS}/network/bandwidth.ts#bandwidth`,
    test: `${SKILL_TESTS}/network/bandwidth.test.ts`,
  },
  {
    id: 'SE-11',
    does: 'goes through the nodes that the registry has',
    code: `${SKILLS}/network/registry-nodes.ts#registryNodes`,
    test: `${SKILL_TESTS}/network/registry-nodes.test.ts`,
  },
  {
    id: 'SE-12',
    does: 'resolves names again when their answers expire, after 1 to 60 s',
    code: `${ROOM}/source-skill.ts#dnsResolution`,
    test: `${TESTS}/names.test.ts`,
  },
  {
    id: 'SK-5',
    does: 'latency and loss of each endpoint by connecting to it, and the risk they come to',
    code: `${SKILLS}/network/network-analysis.ts#networkAnalysis`,
    test: `${SKILL_TESTS}/network/network-analysis.test.ts`,
  },
  {
    id: 'SK-8',
    does: 'entries of the registry as nodes',
    code: `${SKILLS}/network/registry-nodes.ts#registryNodes`,
    test: `${SKILL_TESTS}/network/registry-nodes.test.ts`,
  },
  {
    id: 'ALG-1',
    does: 'merges what strategies find by id: capabilities and sources together, last seen, the address that was reached',
    code: `${ROOM}/merge.ts#mergeNodes`,
    test: `${TESTS}/nodes.test.ts`,
  },
  {
    id: 'ALG-2',
    does: 'risk of an endpoint: the mean of latency in seconds, loss, and too little bandwidth',
    code: `${SKILLS}/network/connection-risk.ts#connectionRisk`,
    test: `${SKILL_TESTS}/network/connectivity.test.ts`,
  },
  {
    id: 'ALG-3',
    does: 'latency as the time a TCP connection takes, in ms with fractions',
    code: `${SKILLS}/network/connect-time.ts#reach`,
    test: `${SKILL_TESTS}/network/network-analysis.test.ts`,
  },
  {
    id: 'ALG-23',
    does: 'announcements at 0, 1, 3 and 7 s, then every 30 s ± 20 %',
    code: `${ROOM}/presence/announcements.ts#announcementDue`,
    test: `${TESTS}/presence.test.ts`,
  },
  {
    id: 'D1',
    does: 'latencies are ms wherever risk is computed',
    code: `${SKILLS}/network/connection-risk.ts#connectionRisk`,
    test: `${SKILL_TESTS}/network/connectivity.test.ts`,
  },
  {
    id: 'D2',
    does: 'what cannot be reached is infinitely far',
    code: `${SKILLS}/network/connection-risk.ts#connectionRisk`,
    test: `${SKILL_TESTS}/network/connectivity.test.ts`,
  },
  {
    id: 'D13',
    does: 'discovery repeats by itself every 30 s',
    code: `${ROOM}/agent.ts#onRoundDue`,
    test: `${TESTS}/agent.test.ts`,
  },
  {
    id: 'D22',
    does: 'a risk that was told is called off when it is over or its endpoint is gone',
    code: `${SKILLS}/network/network-analysis.ts#calledOff`,
    test: `${SKILL_TESTS}/network/network-analysis.test.ts`,
  },
  {
    id: 'D24',
    does: 'measurements are counted',
    code: `${SKILLS}/network/connectivity.ts#measured`,
    test: `${SKILL_TESTS}/network/connectivity.test.ts`,
  },
  {
    id: 'D25',
    does: 'unknown strategies are refused by the config',
    code: 'engine/config/knobs/node-discovery.ts#nodeDiscoveryKnobs',
    test: 'test/config/knobs/node-discovery.test.ts',
  },
  {
    id: 'D26',
    does: 'what is found is told apart by its name, not by when it was seen',
    code: `${ROOM}/merge.ts#mergeNodes`,
    test: `${TESTS}/nodes.test.ts`,
  },
  {
    id: 'D33',
    does: 'a multicast group of one’s own; what is not signed, of another cluster, or old is not heard and counted',
    code: `${ROOM}/presence/guard.ts#hearDatagram`,
    test: `${TESTS}/presence.test.ts`,
  },
  {
    id: 'F13',
    does: 'who is said to have recovered is connected to, and stays out until that has shown it',
    code: `${ROOM}/finds.ts#onHealth`,
    test: `${TESTS}/agent.test.ts`,
  },
]
