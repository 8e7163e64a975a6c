import { type BarName, barNames } from '../memory/bars.ts'
import { isFull, isPicked, isProbed, type Standing } from './standing.ts'

/** Bars that are decisions: nothing else matters where one is. */
const DECIDED: readonly BarName[] = ['draining', 'quarantined', 'held', 'isolated']

/** Why an endpoint is picked or not, in a sentence for people. */
export function why(standing: Standing): string {
  const sentence = isPicked(standing) ? howMuch(standing) : `not picked: ${whyNot(standing)}`
  const ignored = barNames(standing.ignored)
  const leaving = standing.isLeaving ? '; it is to leave, and one thread tries to do without it' : ''
  if (ignored.length === 0) return sentence + leaving
  return `${sentence}; ${ignored.join(' and ')} by an agent that is switched off${leaving}`
}

function whyNot(standing: Standing): string {
  const { weight, factor, priority, inflight, limit, breakerOpenForMs, failsOnPanic, level } = standing
  const bars = barNames(standing.bars)
  const decided = bars.filter(bar => DECIDED.includes(bar))
  const doubted = bars.filter(bar => bar === 'unhealthy' || bar === 'ejected')
  const hasPanic = level?.hasPanic === true
  if (bars.includes('arriving')) return 'it has just come, and one thread tries it'
  if (bars.includes('leaving')) return 'it is to leave'
  if (decided.length > 0) return [...decided, ...(hasPanic ? [] : doubted)].join(' and ')
  if (weight === 0) return 'its weight is 0'
  if (factor === 0) return 'the load balancer gives it nothing'
  if (hasPanic && failsOnPanic) return 'too few endpoints are left, and the service is to fail then'
  if (doubted.length > 0 && !hasPanic) return doubted.join(' and ')
  if (breakerOpenForMs > 0) return `its breaker is open for another ${breakerOpenForMs} ms`
  if (isFull(standing)) return `it has ${inflight} in flight and may have ${limit}`
  if (bars.includes('degraded') && !hasPanic) return 'degraded, and the healthy ones suffice'
  return `priority ${priority} waits until those before it have too few`
}

function howMuch(standing: Standing): string {
  const { bars, weight, factor, priority, level, isElsewhere } = standing
  if (isProbed(standing)) return 'picked for one probe at a time: its breaker is open'
  const names = barNames(bars)
  const hasPanic = level?.hasPanic === true
  const doubted = names.filter(bar => bar === 'unhealthy' || bar === 'ejected' || bar === 'degraded')
  const isDegraded = names.includes('degraded') && !hasPanic
  const load = isDegraded ? level?.degradedLoad : level?.healthyLoad
  let sentence = `picked with ${factor < 1 ? `weight ${weight} × ${factor.toFixed(2)}` : `weight ${weight}`}`
  if (hasPanic && doubted.length > 0) sentence += ` although ${doubted.join(' and ')}: panic mode ignores health`
  if (isElsewhere) return `${sentence}; nothing that comes before it is open`
  if (load === undefined || load === 100) return sentence
  return `${sentence}; ${load} % of the requests go to ${isDegraded ? 'the degraded of ' : ''}priority ${priority}`
}
