import type { Config } from '../../engine/writer.ts'
import { act, type Directive, reply, type Step, schedule } from '../kit/grammar/directive.ts'
import { actionFailed } from '../kit/grammar/own-signals.ts'
import type { Signal, SignalOf } from '../kit/grammar/signal.ts'
import { type DiscoveryStrategy, discoveryDone, type discoveryRequested } from '../signals.ts'
import { registrySynced, syncRegistry } from '../skills/network/registry-nodes.ts'
import { countFound } from './finds.ts'
import { discover } from './look-up.ts'
import { discoveredNodes } from './neighbourhood.ts'
import type { Plan } from './plans.ts'
import { quietDue } from './presence/speak.ts'
import { askAll, isQuiet, lookAgain } from './presence/talk.ts'
import { answeredIn, beginRound, endRound, type Rounds } from './rounds.ts'
import { lookedUp, roundOver, writtenTried } from './signals.ts'
import type { State } from './state.ts'
import { tryWritten } from './try-endpoint.ts'

/** Somebody wants to know now. */
export function onRequest(state: State, question: SignalOf<typeof discoveryRequested>, now: number): Step<State> {
  const { strategies } = state.config.agents['node-discovery']
  const asked = question.data.strategies
  const step = look(state, asked.length === 0 ? strategies : asked, question, now)
  if (step !== undefined) return step
  const reason = 'too many looks are under way, ask again later'
  const failed = strategies.map(strategy => ({ strategy, reason }))
  return {
    state,
    directives: [reply(question, discoveryDone.of({ nodes: [], endpoints: 0, failed, tookMs: 0 }))],
  }
}

/** Begins a round: all strategies at once, none waits for another. Undefined: there are too many under way. */
export function look(
  state: State,
  strategies: readonly DiscoveryStrategy[],
  question: Signal | undefined,
  now: number,
): Step<State> | undefined {
  const { config, finds, neighbourhood } = state
  const { timeout: timeoutMs, connectTimeout } = config.agents['node-discovery']
  const has = (strategy: DiscoveryStrategy): boolean => strategies.includes(strategy)
  const sources = question === undefined ? [] : [...finds.sources.values()].filter(({ plan }) => has(plan.by))
  const { talk } = neighbourhood
  const waiting = new Map<string, DiscoveryStrategy>(sources.map(({ plan }) => [plan.key, plan.by]))
  const hasRegistry = has('registry') && neighbourhood.hasRegistry
  if (has('static')) waiting.set('static', 'static')
  if (hasRegistry) waiting.set('registry', 'registry')
  if (has('multicast') && talk !== undefined) waiting.set('multicast', 'multicast')
  const rounds = beginRound(state.rounds, waiting, question, now)
  if (rounds === undefined) return undefined
  const { round } = rounds
  const asking = has('multicast') && talk !== undefined ? askAll(talk, round)[1] : []
  return {
    state: { ...state, rounds },
    directives: [
      ...sources.map(({ plan }) => act(discover, { plan, round })),
      ...asking,
      ...(hasRegistry ? [act(syncRegistry, undefined)] : []),
      ...(has('static') ? [act(tryWritten, { round, timeoutMs: connectTimeout, services: writtenOf(config) })] : []),
      schedule(timeoutMs, roundOver.of({ round })),
    ],
  }
}

function writtenOf({ services }: Config) {
  return Object.entries(services).map(([service, { endpoints }]) => ({
    service,
    endpoints: endpoints.map(({ id, url }) => ({ id, url })),
  }))
}

/** What rounds were waiting for may have come. */
export function hearOfRounds(state: State, signal: Signal, now: number): readonly [Rounds, Directive[]] {
  let { rounds } = state
  if (rounds.open.size === 0) return [rounds, []]
  const directives: Directive[] = []
  let late = -1
  if (lookedUp.is(signal)) {
    const { round, answer } = signal.data
    rounds = answeredIn(rounds, round, answer.source, answer.said.kind === 'failed' ? answer.said.reason : '')
  } else if (writtenTried.is(signal)) {
    rounds = answeredIn(rounds, signal.data.round, 'static')
  } else if (registrySynced.is(signal)) {
    const reason = signal.data.isThere ? '' : 'there is no registry'
    for (const round of rounds.open.keys()) rounds = answeredIn(rounds, round, 'registry', reason)
  } else if (quietDue.is(signal)) {
    const { round } = signal.data
    const open = rounds.open.get(round)
    const { talk } = state.neighbourhood
    if (open !== undefined && talk !== undefined && !isQuiet(talk, open.sinceMs, now)) directives.push(lookAgain(round))
    else rounds = answeredIn(rounds, round, 'multicast')
  } else if (actionFailed.is(signal) && signal.data.action === discover.name) {
    const { round, plan } = signal.data.params as { round: number; plan: Plan }
    rounds = answeredIn(rounds, round, plan.key, signal.data.fault)
  } else if (roundOver.is(signal)) late = signal.data.round
  const found = () => ({
    nodes: discoveredNodes(state.neighbourhood, now),
    endpoints: countFound(state.finds),
  })
  for (const round of [...rounds.open.keys()]) {
    const [next, more] = endRound(rounds, round, round === late, found, now)
    rounds = next
    directives.push(...more)
  }
  return [rounds, directives]
}
