import { anomalyDetection } from '../skills/anomaly-detection.ts'
import { baselines } from '../skills/baselines.ts'
import { healthAnalysis } from '../skills/health-analysis.ts'

/** The skills of the health monitor at their places: what it reads of them it finds there. */
export const usual = baselines.mount('baselines', undefined)
export const anomalies = anomalyDetection.mount('anomalies', undefined)
export const analysis = healthAnalysis.mount('analysis', undefined)
