import { CLASS_NAMES, type ClassName, PICK, rehearsePick, reportService } from '../../engine/writer.ts'
import { defineAction, type Edge } from '../kit/grammar/action.ts'
import { trusted } from '../kit/grammar/schema.ts'
import { defineSignal, type Signal } from '../kit/grammar/signal.ts'
import type { RouteGiven, RouteRequested } from '../signals.ts'

/** To itself: where a request would go. */
export const routeRehearsed = defineSignal('signalbox.route.rehearsed', {
  data: trusted<{ readonly question: Signal; readonly given: RouteGiven }>(),
})

const WEIGHTS_MAX = 32

/**
 * Finds out where a request would go now, by the very code of picks over the very tables, without picking; and why there. It is for who
 * wants to understand: picks themselves ask nobody.
 */
export const rehearseRoute = defineAction({
  name: 'rehearse-route',
  done: routeRehearsed,
  run: ({ question, wish }: { question: Signal; wish: RouteRequested }, { attachment }) => ({
    question,
    given: routeNow(wish, attachment),
  }),
})

const NOWHERE = {
  ...{ routeTo: null, url: null, generation: null, algorithm: '', reason: '' },
  ...{ weights: [], failedNodes: [], retryAfterMs: 0 },
}

/** What `circuit_breaker_open` and `no_available_nodes` rest on is what a proxy answers 503 for. */
export function routeNow({ service, hash, requestClass }: RouteRequested, attachment: Edge['attachment']): RouteGiven {
  const isThere = attachment.serviceTexts().some(({ text }) => text.name === service && !text.isGone)
  if (!isThere) return { ...NOWHERE, service, outcome: 'no_available_nodes', reason: 'unknown_service' }
  const named = CLASS_NAMES.indexOf(requestClass as ClassName)
  const ticket = rehearsePick(attachment, service, hash, named < 0 ? CLASS_NAMES.indexOf('critical') : named)
  const { endpoints, policy } = reportService(attachment, service)
  const row = ticket < 0 ? -1 : attachment.endpoints.rowOf(ticket)
  const chosen = endpoints.find(each => each.row === row)
  const weights = [...(chosen === undefined ? [] : [chosen]), ...endpoints.filter(each => each !== chosen)]
    .slice(0, WEIGHTS_MAX)
    .map(({ id, effectiveWeight, why }) => ({ id, weight: effectiveWeight, why }))
  const about = { ...NOWHERE, service, algorithm: policy, weights }
  if (chosen !== undefined) {
    const generation = attachment.endpoints.generation(row)
    return {
      ...{ ...about, outcome: 'route_to', routeTo: chosen.id, url: chosen.url, generation },
      reason: chosen.why,
    }
  }
  const tripped = endpoints.filter(({ bars }) => bars.includes('tripped'))
  const failedNodes = tripped.map(({ id }) => id)
  if (ticket === PICK.BREAKER_OPEN) {
    const retryAfterMs = Math.min(...tripped.map(({ breakerOpenForMs }) => breakerOpenForMs))
    return { ...about, outcome: 'circuit_breaker_open', failedNodes, retryAfterMs }
  }
  const reason =
    ticket === PICK.OVERLOADED ? 'no_available_capacity' : ticket === PICK.SHED ? 'shed' : 'all_nodes_unavailable'
  return { ...about, outcome: 'no_available_nodes', failedNodes, reason }
}
