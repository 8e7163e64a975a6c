import type { BarName } from '../memory/bars.ts'

/** What the sentence is made from. */
export interface Standing {
  bars: BarName[]
  weight: number
  factor: number
  priority: number
  inflight: number
  limit: number
  breakerOpenForMs: number
  failsOnPanic: boolean
  /** Its priority's share of the requests, and whether health is ignored there; undefined where no endpoint has weight. */
  level: { healthyLoad: number; degradedLoad: number; hasPanic: boolean } | undefined
}

/** Why an endpoint is picked or not, in a sentence for people. */
export function why(standing: Standing): string {
  const reason = whyNot(standing)
  return reason === undefined ? howMuch(standing) : `not picked: ${reason}`
}

function whyNot(standing: Standing): string | undefined {
  const { bars, weight, factor, priority, inflight, limit, breakerOpenForMs, failsOnPanic, level } = standing
  const decided = bars.filter(bar => bar === 'draining' || bar === 'quarantined')
  const doubted = bars.filter(bar => bar === 'unhealthy' || bar === 'ejected')
  const hasPanic = level?.hasPanic === true
  if (decided.length > 0) return [...decided, ...(hasPanic ? [] : doubted)].join(' and ')
  if (weight === 0) return 'its weight is 0'
  if (factor === 0) return 'the load balancer gives it nothing'
  if (hasPanic && failsOnPanic) return 'too few endpoints are left, and the service is to fail then'
  if (doubted.length > 0 && !hasPanic) return doubted.join(' and ')
  if (breakerOpenForMs > 0) return `its breaker is open for another ${breakerOpenForMs} ms`
  const isDegraded = bars.includes('degraded') && !hasPanic
  if (isDegraded && level?.degradedLoad === 0) return 'degraded, and the healthy ones suffice'
  if (!isDegraded && level?.healthyLoad === 0) return `priority ${priority} waits until those before it have too few`
  if (limit > 0 && inflight >= limit) return `it has ${inflight} in flight and may have ${limit}`
  return undefined
}

function howMuch({ bars, weight, factor, priority, level }: Standing): string {
  const share = factor < 1 ? `weight ${weight} × ${factor.toFixed(2)}` : `weight ${weight}`
  const doubted = bars.filter(bar => bar === 'unhealthy' || bar === 'ejected' || bar === 'degraded')
  const isDegraded = bars.includes('degraded') && level?.hasPanic !== true
  const load = isDegraded ? level?.degradedLoad : level?.healthyLoad
  let sentence = `picked with ${share}`
  if (level?.hasPanic === true && doubted.length > 0) {
    sentence += ` although ${doubted.join(' and ')}: panic mode ignores health`
  }
  if (bars.includes('tripped')) sentence += ', for one probe at a time: its breaker is open'
  if (load !== undefined && load < 100) {
    sentence += `; ${load} % of the requests go to ${isDegraded ? 'the degraded of ' : ''}priority ${priority}`
  }
  return sentence
}
