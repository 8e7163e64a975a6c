import type { Row } from './row.ts'

const SKILLS = 'test/agents/skills'
const PREDICTOR = 'test/agents/predictor/agent.test.ts'

/** What looks ahead: forecasts of latency and load, troubles that are coming, and how far all of that is to be believed. */
export const ROWS: readonly Row[] = [
  {
    id: 'AC-20',
    does: 'judges time constants of routing in the shadow, on what was recorded; one that is better by 5 % in two windows is tried',
    code: 'agents/skills/forecasts/performance-optimization.ts#optimizeRouting',
    test: `${SKILLS}/optimization.test.ts`,
  },
  {
    id: 'AC-25',
    does: 'says of each endpoint with ten readings or more how likely it is to fail, slow down or run out of something',
    code: 'agents/skills/forecasts/trouble.ts#predictFailures',
    test: PREDICTOR,
  },
  {
    id: 'SE-9',
    does: 'measures the latencies of each endpoint, as a histogram of the last ten seconds',
    code: 'agents/skills/forecasts/latency-windows.ts#latencyMeasurement',
    test: `${SKILLS}/forecasts/latency-windows.test.ts`,
  },
  {
    id: 'SE-25',
    does: "draws a robust line through the last twenty p95s of each endpoint's seconds",
    code: 'agents/skills/forecasts/latency-windows.ts#performanceTrend',
    test: `${SKILLS}/forecasts/latency-windows.test.ts`,
  },
  {
    id: 'SE-32',
    does: 'counts the requests of each service, and finds out whether they repeat by the hour or by the day',
    code: 'agents/skills/forecasts/workload-pattern.ts#workloadPattern',
    test: `${SKILLS}/forecasts/workload-pattern.test.ts`,
  },
  {
    id: 'SK-3',
    does: 'changes a tunable, measures for two windows, and takes it back where p99 is worse by more than 5 %',
    code: 'agents/skills/forecasts/performance-optimization.ts#performanceOptimization',
    test: `${SKILLS}/predicting-skills.test.ts`,
  },
  {
    id: 'SK-7',
    does: 'predicts trouble of endpoints from risk, failures, latency and what they report, and learns how often that came true',
    code: 'agents/skills/forecasts/failure-prediction.ts#failurePrediction',
    test: `${SKILLS}/predicting-skills.test.ts`,
  },
  {
    id: 'SK-11',
    does: 'forecasts the load of services, and says how much of their capacity that leaves and until when',
    code: 'agents/skills/forecasts/capacity-planning.ts#capacityPlanning',
    test: `${SKILLS}/forecasts/capacity-planning.test.ts`,
  },
  {
    id: 'SK-13',
    does: 'forecasts for adaptive how long each endpoint will take, and how far that is to be believed; worse than measuring, it counts for nothing',
    code: 'agents/skills/forecasts/adaptive-routing.ts#adaptiveRouting',
    test: `${SKILLS}/predicting-skills.test.ts`,
  },
  {
    id: 'ALG-8',
    does: 'expects of an endpoint its forecast and what was measured, mixed by their errors, and picks the soonest',
    code: 'engine/policies/adaptive.ts#adaptive',
    test: 'test/simulation/policies/policies.test.ts',
  },
  {
    id: 'ALG-19',
    does: 'predicts failure by log-odds, degradation by a rise of latency, exhaustion by a line through what is used',
    code: 'agents/skills/forecasts/trouble.ts#predictFailures',
    test: PREDICTOR,
  },
  {
    id: 'ALG-20',
    does: 'gives several claims a confidence: their mean less half their variance, 0 of none',
    code: 'agents/skills/forecasts/confidence.ts#confidenceOf',
    test: `${SKILLS}/forecasts/calibration.test.ts`,
  },
  {
    id: 'D22',
    does: 'withdraws each prediction: it came, did not come, or the endpoint is gone',
    code: 'agents/skills/forecasts/standing.ts#endOf',
    test: PREDICTOR,
  },
]
