import type { Examination, Part, PartName } from '../../signals.ts'

/** How much each part matters for the score: that it is reached and answers matters most. */
const WEIGHTS: Readonly<Record<PartName, number>> = {
  connectivity: 25,
  application: 25,
  resources: 15,
  network: 10,
  availability: 15,
  security: 10,
  baseline: 10,
  synthetic: 15,
  chain: 5,
  dependencies: 10,
  prediction: 10,
}

/**
 * What the parts of an examination come to.
 *
 *   a critical one failed ──▶ failed        any failed, or was too late ──▶ degraded        else ──▶ healthy
 *   score = Σ weight × score ÷ Σ weight     over those that were not skipped; 1 where all were
 */
export function concludeFrom(parts: readonly Part[]): Pick<Examination, 'verdict' | 'score' | 'reasons'> {
  const counted = parts.filter(({ verdict }) => verdict !== 'skipped')
  const bad = counted.filter(({ verdict }) => verdict !== 'passed')
  const hasFailed = bad.some(({ verdict, isCritical }) => verdict === 'failed' && isCritical)
  const weight = counted.reduce((sum, { part }) => sum + WEIGHTS[part], 0)
  const points = counted.reduce((sum, { part, score }) => sum + WEIGHTS[part] * score, 0)
  return {
    verdict: hasFailed ? 'failed' : bad.length > 0 ? 'degraded' : 'healthy',
    score: weight === 0 ? 1 : points / weight,
    reasons: bad.map(({ part, reason }) => `${part}: ${reason}`),
  }
}
