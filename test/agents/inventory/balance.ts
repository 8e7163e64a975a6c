import type { Row } from './row.ts'

const ROOM = 'test/agents/load-balancer'
const SKILLS = 'test/agents/skills'

/** What spreads load: the policies, the weights, the surges, and what is seen of traffic. */
export const ROWS: readonly Row[] = [
  {
    id: 'AG-2',
    does: 'folds facts, opinions and loads into weights; killed under load, no pick fails, and it goes on from what it wrote',
    code: 'agents/load-balancer/agent.ts#loadBalancer',
    test: `${ROOM}/kill.test.ts`,
  },
  {
    id: 'AC-16',
    does: 'says where a request would go now and why, by the very code of picks, without picking',
    code: 'agents/load-balancer/route.ts#rehearseRoute',
    test: `${ROOM}/requests.test.ts`,
  },
  {
    id: 'AC-17',
    does: 'has a service picked by another policy from the next pick of every thread on; what needs more than the config says is refused',
    code: 'agents/load-balancer/policy-switch.ts#judgePolicy',
    test: `${ROOM}/requests.test.ts`,
  },
  {
    id: 'AC-18',
    does: 'answers a surge: least-request for a while, tighter thresholds, the cheapest class shed; and undoes it when it is over',
    code: 'agents/load-balancer/surge-response.ts#respond',
    test: `${ROOM}/surge.test.ts`,
  },
  {
    id: 'AC-19',
    does: 'evens load out by moving weight, a fifth of it in a tenth of a second at most; who wished it is told how it lies then',
    code: 'agents/load-balancer/shift.ts#shift',
    test: `${ROOM}/shift.property.test.ts`,
  },
  {
    id: 'AC-21',
    does: 'tells other nodes what it bears on each endpoint, and counts what they bear as load of it for 15 s',
    code: 'agents/load-balancer/others.ts#elsewhereOf',
    test: `${ROOM}/nodes.test.ts`,
  },
  {
    id: 'AC-22',
    does: 'opens and closes breakers by hand, within the bounds of ejections, and they go on by themselves from there',
    code: 'agents/skills/traffic/circuit-breakers.ts#findBreaker',
    test: `${ROOM}/requests.test.ts`,
  },
  {
    id: 'AC-23',
    does: 'takes weight from an endpoint whose 99th percentile or failed share is over the thresholds of its service, in proportion',
    code: 'agents/load-balancer/adaptation.ts#adaptedShare',
    test: `${ROOM}/loads.test.ts`,
  },
  {
    id: 'SE-13',
    does: 'counts requests, failures, those in flight and those that wait by the second, and keeps sixty seconds and a day of minutes',
    code: 'agents/skills/traffic/traffic.ts#traffic',
    test: `${ROOM}/sensors.test.ts`,
  },
  {
    id: 'SE-15',
    does: 'tells the 50th, 95th and 99th percentile of each endpoint’s response times every 5 s',
    code: 'agents/skills/traffic/response-times.ts#responseTimes',
    test: `${ROOM}/sensors.test.ts`,
  },
  {
    id: 'SE-16',
    does: 'tells the failed share of each endpoint’s requests of the last 10 s, of twenty or more',
    code: 'agents/skills/traffic/error-rate.ts#errorRate',
    test: `${ROOM}/sensors.test.ts`,
  },
  {
    id: 'SE-18',
    does: 'tells that a way is congested: a tenth of requests time out, or connecting takes three times what is usual of late; for those who watch',
    code: 'agents/skills/traffic/congestion.ts#congestion',
    test: `${ROOM}/sensors.test.ts`,
  },
  {
    id: 'SE-19',
    does: 'reads breakers from the tables each second and tells which have opened, wait for a probe, or have closed',
    code: 'agents/skills/traffic/breakers.ts#breakers',
    test: `${ROOM}/sensors.test.ts`,
  },
  {
    id: 'SE-30',
    does: 'tells coefficient of variation and Gini of requests over weights where the former is over 0.5',
    code: 'agents/skills/traffic/load-distribution.ts#loadDistribution',
    test: `${ROOM}/sensors.test.ts`,
  },
  {
    id: 'SK-10',
    does: 'knows rates, burstiness, what is usual, and when a service surges and in which way',
    code: 'agents/skills/traffic/traffic-analysis.ts#trafficAnalysis',
    test: `${SKILLS}/balancing.test.ts`,
  },
  {
    id: 'SK-12',
    does: 'knows the breakers of all endpoints, tells of their changes and works them on wish',
    code: 'agents/skills/traffic/circuit-breakers.ts#circuitBreakers',
    test: `${SKILLS}/balancing.test.ts`,
  },
  {
    id: 'ALG-4',
    does: 'takes endpoints in turn, one turn for all threads, even to one pick',
    code: 'engine/policies/round-robin.ts#roundRobin',
    test: 'test/policies/round-robin.test.ts',
  },
  {
    id: 'ALG-5',
    does: 'takes endpoints in turn by weight: by stride, in nginx’s smooth order, earliest deadline first, or drawn by dice',
    code: 'engine/policies/weighted-round-robin.ts#weightedRoundRobin',
    test: 'test/policies/weighted-selectors.test.ts',
  },
  {
    id: 'ALG-6',
    does: 'takes the endpoint with the fewest requests in flight for its weight, of all or of sixteen neighbours',
    code: 'engine/policies/least-request.ts#leastRequest',
    test: 'test/policies/least-request.test.ts',
  },
  {
    id: 'ALG-7',
    does: 'takes the endpoint with the least latency × requests in flight, where a peak counts at once',
    code: 'engine/policies/peak-ewma.ts#peakEwma',
    test: 'test/policies/peak-ewma.test.ts',
  },
  {
    id: 'ALG-9',
    does: 'opens a breaker after failures in a row or by error rate, for longer each time, and closes it by probes, one at a time',
    code: 'engine/memory/breaker.ts#Breaker',
    test: 'test/memory/breaker.test.ts',
  },
  {
    id: 'ALG-10',
    does: 'a surge is beyond three times what is usual and four deviations above it, two seconds in a row; it ends below 1.5 times for ten',
    code: 'agents/skills/traffic/surge.ts#afterSecond',
    test: `${SKILLS}/traffic/surge.test.ts`,
  },
  {
    id: 'ALG-11',
    does: 'five times the usual requests fail nobody in a replay: what is turned away is of the cheapest class',
    code: 'agents/load-balancer/surge-step.ts#surgeStep',
    test: `${ROOM}/surge.test.ts`,
  },
  {
    id: 'ALG-12',
    does: 'load is uneven at 1.25 times its part of the capacity, twice in a row, or where one is over a threshold and the others are not',
    code: 'agents/load-balancer/rebalancing.ts#rebalance',
    test: `${ROOM}/loads.test.ts`,
  },
  {
    id: 'ALG-13',
    does: 'picks whom no bar that counts speaks against; in panic also those that only opinion does',
    code: 'engine/router/tiers.ts#Tiers',
    test: 'test/policies/conformance.test.ts',
  },
  {
    id: 'D3',
    does: 'what an agent knows of other nodes follows the topology it is told, by its version',
    code: 'agents/kit/member/membership.ts#onTopology',
    test: 'test/agents/kit/member/membership.test.ts',
  },
  {
    id: 'D5',
    does: 'an open breaker lets one probe at a time through when its time is up, and closes when enough pass',
    code: 'engine/router/guard.ts#Guard',
    test: `${ROOM}/sensors.test.ts`,
  },
  {
    id: 'D6',
    does: 'where what is left has open breakers, that is the answer, with who they are; over HTTP 503 breaker-open with Retry-After',
    code: 'engine/router/nobody.ts#whyNobody',
    test: `${ROOM}/requests.test.ts`,
  },
  {
    id: 'D8',
    does: 'a report of capacity is kept for its tenant, also where it calls for rebalancing at once',
    code: 'agents/load-balancer/capacities.ts#withReports',
    test: `${ROOM}/loads.test.ts`,
  },
  {
    id: 'D9',
    does: 'decisions (1,000), minutes (1,440), distributions (1,000), seconds (60), breaker changes (100) and opinions have a bound each',
    code: 'agents/kit/run/bounded.ts#appended',
    test: `${ROOM}/requests.test.ts`,
  },
  {
    id: 'D10',
    does: 'a weighted choice is an endpoint whatever the weights and factors are, and none when all are 0',
    code: 'engine/policies/cheapest.ts#drawByPull',
    test: 'test/policies/weighted-selectors.test.ts',
  },
  {
    id: 'D11',
    does: 'there are the smooth selector and the random one, with the same shares',
    code: 'engine/policies/scheduled.ts#takeScheduled',
    test: 'test/policies/weighted-selectors.test.ts',
  },
  {
    id: 'D12',
    does: 'thresholds of each service follow what is usual there, every 30 s, within bounds',
    code: 'agents/load-balancer/thresholds.ts#adaptThresholds',
    test: `${ROOM}/loads.test.ts`,
  },
  {
    id: 'D14',
    does: 'shares of the capacity that balancers agreed on in a surge are acted on; rejected or unknown ones change nothing',
    code: 'agents/load-balancer/admission.ts#agreeOnShares',
    test: `${ROOM}/nodes.test.ts`,
  },
  {
    id: 'D38',
    does: 'a pick and a settle allocate nothing, under every policy',
    code: 'engine/router/router.ts#Router',
    test: 'test/policies/conformance.test.ts',
  },
]
