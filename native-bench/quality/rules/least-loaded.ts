import { below } from '../chance.ts'
import type { Request } from '../world/request.ts'
import { Counts, forEachRouter, leastOf, twoOf } from './counts.ts'
import type { Routing, Rule, Surroundings } from './rule.ts'

/** Rules that go by what their own process has in flight, and differ in whom they look at. */

export const leastLoaded: Rule = {
  name: 'least-loaded',
  source: 'fewest in flight of all, of equals one by chance; a full scan of what one process knows',
  begin: surroundings =>
    counting(surroundings, (inflight, { machines, chance }) =>
      leastOf(machines.length, at => inflight[at]! / machines[at]!.weight, chance),
    ),
}

export const envoyLeastRequest: Rule = {
  name: 'envoy-least-request',
  source:
    'two draws, the same one may be drawn twice; the first unless the other has fewer (Envoy LEAST_REQUEST, equal weights)',
  begin: surroundings =>
    counting(surroundings, (inflight, { machines, chance }) => {
      const [a, b] = [below(chance, machines.length), below(chance, machines.length)]
      return inflight[b]! < inflight[a]! ? b : a
    }),
}

export const nginxRandomTwo: Rule = {
  name: 'nginx-random-two',
  source:
    'two different draws, the one with fewer connections for its weight (nginx random two least_conn; Finagle least loaded)',
  begin: surroundings =>
    counting(surroundings, (inflight, { machines, chance }) => {
      const [a, b] = twoOf(machines.length, chance)
      return inflight[b]! * machines[a]!.weight < inflight[a]! * machines[b]!.weight ? b : a
    }),
}

export const nginxLeastConn: Rule = {
  name: 'nginx-least-conn',
  source: 'fewest connections for the weight, of equals by smooth weighted round robin (nginx least_conn)',
  begin(surroundings) {
    const { machines } = surroundings
    const currents = Array.from({ length: surroundings.fleet.nodes }, () => new Int32Array(machines.length))
    const counts = new Counts(surroundings)
    return counting(surroundings, (inflight, _, request) => {
      const current = currents[counts.nodeOf(request)]!
      let best: number[] = []
      for (const [at, { weight }] of machines.entries()) {
        const [first] = best
        const order = first === undefined ? -1 : inflight[at]! * machines[first]!.weight - inflight[first]! * weight
        if (order < 0) best = [at]
        else if (order === 0) best.push(at)
      }
      let total = 0
      let chosen = best[0]!
      for (const at of best) {
        const { weight } = machines[at]!
        total += weight
        current[at]! += weight
        if (current[at]! > current[chosen]!) chosen = at
      }
      current[chosen]! -= total
      return chosen
    })
  },
}

export const haproxyLeastconn: Rule = {
  name: 'haproxy-leastconn',
  source: 'fewest connections for the weight, of equals the one that was requeued longest ago (HAProxy leastconn)',
  begin(surroundings) {
    const { machines } = surroundings
    const queued = forEachRouter(surroundings, () => new Float64Array(machines.length))
    let order = 0
    return counting(surroundings, (inflight, _, { router }) => {
      const since = queued[router]!
      let best = 0
      for (const [at, { weight }] of machines.entries()) {
        const difference = inflight[at]! * machines[best]!.weight - inflight[best]! * weight
        if (difference < 0 || (difference === 0 && since[at]! < since[best]!)) best = at
      }
      since[best] = ++order
      return best
    })
  },
}

type Choose = (inflight: Int32Array, surroundings: Surroundings, request: Request) => number

function counting(surroundings: Surroundings, choose: Choose): Routing {
  const counts = new Counts(surroundings)
  return {
    pick: request => counts.enter(request, choose(counts.of(request), surroundings, request)),
    settle: request => counts.leave(request),
  }
}
