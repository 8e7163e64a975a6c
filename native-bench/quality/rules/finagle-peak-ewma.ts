import { Counts, twoOf } from './counts.ts'
import type { Rule } from './rule.ts'

/** Half-life of what is remembered, and what one costs that nothing is known of. */
const TAU_MS = 10_000
const PENALTY = 2 ** 46

export const finaglePeakEwma: Rule = {
  name: 'finagle-peak-ewma',
  source:
    'two different draws, the lower peak EWMA of latency × (pending + 1), each process for itself (Finagle PeakEwma.scala)',
  begin(surroundings) {
    const { machines, chance, nowMs, fleet } = surroundings
    const counts = new Counts(surroundings)
    const costs = Array.from({ length: fleet.nodes }, () => new Float64Array(machines.length))
    const stamps = Array.from({ length: fleet.nodes }, () => new Float64Array(machines.length))
    const observe = (node: number, machine: number, tookMs: number): void => {
      const kept = Math.exp(-(nowMs() - stamps[node]![machine]!) / TAU_MS)
      const cost = costs[node]![machine]!
      costs[node]![machine] = tookMs > cost ? tookMs : cost * kept + tookMs * (1 - kept)
      stamps[node]![machine] = nowMs()
    }
    return {
      pick(request) {
        const node = counts.nodeOf(request)
        const inflight = counts.of(request)
        const load = (machine: number): number => {
          observe(node, machine, 0)
          const cost = costs[node]![machine]!
          const pending = inflight[machine]!
          return cost === 0 && pending > 0 ? PENALTY + pending : cost * (pending + 1)
        }
        const [a, b] = twoOf(machines.length, chance)
        return counts.enter(request, load(b) < load(a) ? b : a)
      },
      settle(request, _, tookMs) {
        counts.leave(request)
        observe(counts.nodeOf(request), request.machine, tookMs)
      },
    }
  },
}
