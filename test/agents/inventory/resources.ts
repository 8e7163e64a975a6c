import type { Row } from './row.ts'

const MANAGER = 'test/agents/resource-manager'
const SKILLS = 'test/agents/skills'
const OPTIMIZER = 'test/agents/topology-optimizer/agent.test.ts'

/** Resources of this process and of endpoints, costs, and zones. */
export const ROWS: readonly Row[] = [
  {
    id: 'AG-8',
    does: 'keeps this process within its means: turns cheap requests away and lets no more in, knows the room of endpoints and what they cost',
    code: 'agents/resource-manager/agent.ts#resourceManager',
    test: `${MANAGER}/means.test.ts`,
  },
  {
    id: 'AG-9',
    does: 'prefers the zones that are near as it is measured, with hysteresis, and takes back what made requests slower',
    code: 'agents/topology-optimizer/agent.ts#topologyOptimizer',
    test: OPTIMIZER,
  },
  {
    id: 'AC-13',
    does: 'weighs zones by latency, bandwidth and loss',
    code: 'agents/skills/zones/zone-cost.ts#weighZones',
    test: `${SKILLS}/zones.test.ts`,
  },
  {
    id: 'AC-37',
    does: 'plans how load should be spread over capacity for what it is to cost, when it is asked',
    code: 'agents/resource-manager/allocation.ts#planAllocation',
    test: `${MANAGER}/allocation.test.ts`,
  },
  {
    id: 'SE-3',
    does: 'CPU, memory, sockets and loop delay of this process, each second, as shares of what it may use',
    code: 'agents/skills/resources/resource-usage.ts#resourceUsage',
    test: `${MANAGER}/means.test.ts`,
  },
  {
    id: 'SE-14',
    does: 'how much endpoints use of the capacity the config gives them',
    code: 'agents/resource-manager/sensors.ts#declaredCapacity',
    test: `${MANAGER}/room.test.ts`,
  },
  {
    id: 'SE-17',
    does: 'what endpoints say of their load in the header of their answers',
    code: 'agents/resource-manager/sensors.ts#reportedUtilisation',
    test: `${MANAGER}/room.test.ts`,
  },
  {
    id: 'SK-6',
    does: 'goodness of zones, a preference that changes once in a look at most, and what is beyond headroom',
    code: 'agents/skills/zones/topology-optimization.ts#topologyOptimization',
    test: `${SKILLS}/zones.test.ts`,
  },
  {
    id: 'SK-9',
    does: 'how far zones are from each other, by where they are',
    code: 'agents/skills/zones/geography.ts#geography',
    test: `${SKILLS}/zones.test.ts`,
  },
  {
    id: 'SK-14',
    does: 'offers capacity, has it auctioned by sealed bids, and grants it when all have agreed',
    code: 'agents/skills/resources/capacity-market.ts#capacityMarket',
    test: `${SKILLS}/resources/capacity-market.test.ts`,
  },
  {
    id: 'SK-23',
    does: 'budgets of this process, shedding by class and a limit of requests in flight, step by step and back',
    code: 'agents/skills/resources/resource-management.ts#resourceManagement',
    test: `${SKILLS}/resources/resource-management.test.ts`,
  },
  {
    id: 'ALG-26',
    does: 'weights by cost that give way to p99, and capacity to the lowest bid for the second lowest',
    code: 'agents/resource-manager/costs.ts#adaptAversion',
    test: `${MANAGER}/costs.test.ts`,
  },
  {
    id: 'ALG-8b',
    does: 'room of an endpoint by CPU, memory and network, which the policy capacity picks by',
    code: 'agents/resource-manager/room.ts#roomOf',
    test: `${MANAGER}/room.test.ts`,
  },
  {
    id: 'ALG-8c',
    does: 'the nearest zone up to its headroom, then the next',
    code: 'agents/skills/zones/zone-spill.ts#spillZones',
    test: `${SKILLS}/zones.test.ts`,
  },
]
