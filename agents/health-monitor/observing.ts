import { anomalyDetection } from '../skills/usual/anomaly-detection.ts'
import { baselines } from '../skills/usual/baselines.ts'
import { healthAnalysis } from '../skills/usual/health-analysis.ts'

/** What the health monitor makes of what it sees: skills at their places, where it reads them. */
export const usual = baselines.mount('baselines', undefined)
export const anomalies = anomalyDetection.mount('anomalies', undefined)
export const analysis = healthAnalysis.mount('analysis', undefined)

export const OBSERVING = [usual, anomalies, analysis]
