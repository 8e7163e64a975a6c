import { TRIPPED } from '../../../engine/writer.ts'
import { defineAction } from '../../kit/grammar/action.ts'
import { act, reply, type Step, stay, writeEndpoint } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal, type Signal } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { appended } from '../../kit/run/bounded.ts'
import { type BreakerState, breakerChanged, breakerRequested, breakerWorked, type EndpointRef } from '../../signals.ts'
import { breakers } from './breakers.ts'

export interface CircuitBreakers {
  /** By `service/id`: those that are not closed. */
  readonly open: ReadonlyMap<string, BreakerState>
  /** The last hundred changes, the oldest first. */
  readonly history: readonly { readonly subject: string; readonly from: BreakerState; readonly to: BreakerState }[]
  /** Wishes that are being carried out, by the question's id. */
  readonly asked: ReadonlyMap<string, Signal>
}

const HISTORY_MAX = 100
const ASKED_MAX = 256

/** Where the endpoint of a wish is, and what stands there. */
interface Found {
  readonly question: string
  readonly ref: EndpointRef | undefined
  /** How long it stays open, as the config says; 0: its service has no breakers. */
  readonly openForMs: number
  readonly isOpen: boolean
  /** It was looked at after the wish was carried out. */
  readonly isAfter: boolean
}

const breakerFound = defineSignal('signalbox.breaker.found', { data: trusted<Found>() })

interface Sought {
  readonly question: string
  readonly service: string
  readonly id: string
  readonly isAfter: boolean
}

/** Finds the breaker of an endpoint by its name. */
export const findBreaker = defineAction({
  name: 'find-breaker',
  done: breakerFound,
  run: ({ question, service, id, isAfter }: Sought, { attachment }): Found => {
    const { endpoints } = attachment
    const index = attachment.serviceTexts().findIndex(({ text }) => text.name === service && !text.isGone)
    const row = index < 0 ? -1 : attachment.rowOfId(index, id)
    if (row < 0) return { question, ref: undefined, openForMs: 0, isOpen: false, isAfter }
    const { openForMs = 0 } = attachment.serviceTexts()[index]!.text.breaker ?? {}
    const ref = { row, generation: endpoints.generation(row), service, id }
    return { question, ref, openForMs, isOpen: (endpoints.bars(row) & TRIPPED) !== 0, isAfter }
  },
})

/**
 * Knows the breakers of all endpoints, tells of their changes, and opens and closes them by hand.
 *
 *   who settles ──▶ breaker ◀── by hand: `breakerRequested` ──▶ find ──▶ write ──▶ find ──▶ `breakerWorked`
 *                      └── each second ──▶ `breakerChanged`
 *
 * Breakers open, are probed and close by the threads that settle, whether or not anybody has this skill. One opened by hand goes on in the same
 * way; where too many are out, it is refused. Its agent has to own the word `breaker`.
 */
export const circuitBreakers = defineSkill({
  name: 'circuit-breakers',
  listens: [breakerRequested],
  emits: [breakerChanged, breakerWorked],
  actions: [findBreaker],
  sensors: [breakers],
  start: () => stay<CircuitBreakers>({ open: new Map(), history: [], asked: new Map() }),
  decide(slice: CircuitBreakers, signal): Step<CircuitBreakers> {
    if (breakerChanged.is(signal)) {
      const { service, id, from, to } = signal.data
      const subject = `${service}/${id}`
      const open = new Map(slice.open)
      if (to === 'closed') open.delete(subject)
      else open.set(subject, to)
      return stay({ ...slice, open, history: appended(slice.history, { subject, from, to }, HISTORY_MAX) })
    }
    if (breakerRequested.is(signal)) {
      const { service, id } = signal.data
      if (slice.asked.size >= ASKED_MAX)
        return { state: slice, directives: [refusal(signal, 'too many are being worked')] }
      return {
        state: { ...slice, asked: new Map(slice.asked).set(signal.id, signal) },
        directives: [act(findBreaker, { question: signal.id, service, id, isAfter: false })],
      }
    }
    return breakerFound.is(signal) ? onFound(slice, signal.data) : stay(slice)
  },
})

function onFound(slice: CircuitBreakers, { question, ref, openForMs, isOpen, isAfter }: Found): Step<CircuitBreakers> {
  const wish = slice.asked.get(question)
  if (wish === undefined || !breakerRequested.is(wish)) return stay(slice)
  const asked = new Map(slice.asked)
  asked.delete(question)
  const { service, id } = wish.data
  const isWished = isOpen === (wish.data.wish === 'open')
  if (ref === undefined || openForMs === 0) {
    const why = ref === undefined ? 'there is no such endpoint' : 'the service has no breaker in its config'
    return { state: { ...slice, asked }, directives: [refusal(wish, why)] }
  }
  if (isWished || isAfter) {
    const refused = isWished ? '' : 'too many are out already, or a request probes it at this moment'
    return {
      state: { ...slice, asked },
      directives: [reply(wish, breakerWorked.of({ service, id, isOpen, refused }, `${service}/${id}`))],
    }
  }
  return {
    state: slice,
    directives: [
      writeEndpoint('breaker', ref, wish.data.wish === 'open' ? openForMs : 0),
      act(findBreaker, { question, service, id, isAfter: true }),
    ],
  }
}

function refusal(wish: Signal, refused: string) {
  const { service, id } = (wish as Signal<string, { service: string; id: string }>).data
  return reply(wish, breakerWorked.of({ service, id, isOpen: false, refused }, `${service}/${id}`))
}
