import { elapsedMs } from '../../engine/writer.ts'
import { type Directive, reply, tell } from '../kit/grammar/directive.ts'
import type { SignalOf } from '../kit/grammar/signal.ts'
import { cancelAnswered, type cancelRequested, operationsListed, type operationsRequested } from '../signals.ts'
import { type Emergencies, emergencyRecord } from '../skills/operations/emergency-state.ts'
import { type Operations, recordOf } from '../skills/operations/operation-book.ts'
import { operationCalledOff } from '../skills/operations/operation-signals.ts'
import type { Leading } from './state.ts'

/** Operations that are listed. */
const LISTED_MAX = 100

/** Those that run, then the last that have ended, emergencies among them. */
export function listOperations(
  question: SignalOf<typeof operationsRequested>,
  book: Operations,
  { open, past }: Emergencies,
  { isHere }: Leading,
  now: number,
): Directive {
  const { id } = question.data
  const running = [
    ...[...book.running.values()].map(each => recordOf(book, each, now)),
    ...[...open.values()].map(each => emergencyRecord(each, elapsedMs(now, each.sinceMs), 'running')),
  ]
  const ended = [...book.past, ...past].sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1))
  const operations = [...running, ...ended].filter(each => id === '' || each.id === id).slice(0, LISTED_MAX)
  return reply(question, operationsListed.of({ operations, leads: isHere }))
}

/** Has whoever carries it out call it off. An emergency is met on every node, and is called off on this one alone. */
export function cancelOperation(
  question: SignalOf<typeof cancelRequested>,
  book: Operations,
  { open, past }: Emergencies,
  { isHere }: Leading,
): Directive[] {
  const { id, by } = question.data
  const answer = (isTaken: boolean, isKnown: boolean, because: string): Directive =>
    reply(question, cancelAnswered.of({ id, isTaken, isKnown, because }))
  if (book.running.has(id) || open.has(id)) return [tell(operationCalledOff.of({ id, by })), answer(true, true, '')]
  const ended = [...book.past, ...past].find(each => each.id === id)
  if (ended !== undefined) return [answer(false, true, `it has ended, as ${ended.status}`)]
  if (isHere) return [answer(false, false, 'none has this id')]
  return [answer(false, true, 'this orchestrator does not lead, ask the one that does')]
}
