import { createDice } from '../../policies/dice.ts'
import type { Lane, Lanes } from '../lanes.ts'
import type { RulesPlan } from '../plan.ts'
import type { Supply } from '../upstreams/supply.ts'
import { Mirror, type MirrorPlace } from './mirror.ts'
import { type OwnAnswer, ownAnswerOf } from './own-answer.ts'
import { hashOf } from './request-key.ts'
import { RouteTable } from './routes.ts'
import { Split } from './split.ts'

type Route = RulesPlan['routes'][number]

/** Where a route leads: to one service, to one of several, or to an answer of the proxy itself. One of the three is there. */
export interface Destination {
  readonly lane: Lane | undefined
  readonly split: Split | undefined
  readonly answer: OwnAnswer | undefined
  /** The name of the route; empty where it has none. */
  readonly name: string
}

/** What routes are made from, and where it is noted what they send to. */
interface Making {
  readonly services: RulesPlan['services']
  readonly lanes: Lanes
  readonly place: MirrorPlace
  readonly supplies: Map<string, Supply>
}

/** The routes of a config for one thread. */
export function routeTableOf(routes: readonly Route[], making: Making): RouteTable<Destination> {
  return new RouteTable(
    routes.map((route, index) => ({
      match: route.match,
      to: destinationOf(route, making, making.lanes.seedOf(index)),
    })),
  )
}

/** Sets the dice of a mirror apart from those of its route. */
const COPIES = 0x2545f491

function destinationOf(route: Route, making: Making, seed: number): Destination {
  const { service, split, name = '' } = route
  if (service === undefined && split === undefined) {
    return { lane: undefined, split: undefined, answer: ownAnswerOf(route), name }
  }
  const { services, lanes, supplies } = making
  const mirror = mirrorOf(route.mirror, making, seed ^ COPIES)
  const laneTo = (name: string): Lane => {
    const lane = lanes.of(route, name, services[name], mirror)
    supplies.set(name, lane)
    return lane
  }
  if (service !== undefined) return { lane: laneTo(service), split: undefined, answer: undefined, name }
  const sides = Object.entries(split ?? {}).map(([name, weight]) => ({ lane: laneTo(name), weight }))
  return { lane: undefined, split: new Split(sides, createDice(seed)), answer: undefined, name }
}

function mirrorOf(
  written: Route['mirror'],
  { services, lanes, place, supplies }: Making,
  seed: number,
): Mirror | undefined {
  if (written === undefined) return undefined
  const { service, share } = written
  const { timeouts, tls, protocol, connections, policy } = services[service]
  const supply = { service, router: lanes.routers.of(service), timeouts, tls, protocol, connections }
  const target = { ...supply, hashOf: hashOf(policy), share }
  supplies.set(service, target)
  return new Mirror(target, place, createDice(seed))
}
