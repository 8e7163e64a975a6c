import { type Directive, emit, reply, type Step, stay } from '../../kit/grammar/directive.ts'
import type { SignalOf } from '../../kit/grammar/signal.ts'
import { emergencyRefused, emergencyType, operationAnswered, type operationRequested } from '../../signals.ts'
import { lookAtScene } from './emergency-look.ts'
import { keyOf } from './emergency-reports.ts'
import { type Emergencies, knownAs, type Suspected, type Suspicion } from './emergency-state.ts'

const OPEN_MAX = 32
const REFUSED_MAX = 64

export function onRequested(
  slice: Emergencies,
  question: SignalOf<typeof operationRequested>,
  now: number,
): Step<Emergencies> {
  const { operation, options, by } = question.data
  if (operation !== 'handle_emergency') return stay(slice)
  const { type = '', subject = '', targets = '' } = options
  const known = emergencyType['~standard'].validate(type)
  const refusal =
    !('value' in known) || known.issues !== undefined
      ? `no_emergency_procedure: ${type}`
      : subject === ''
        ? 'no subject is named, write a service, an endpoint as service/id, a node or a resource'
        : slice.fence === undefined
          ? 'this orchestrator does not lead, ask the one that does'
          : undefined
  if (refusal !== undefined) return { state: slice, directives: [refuse(question, refusal)] }
  const suspicion = {
    ...{ type: type as Suspicion['type'], subject, by, because: `asked for by ${by}` },
    targets: targets.split(',').flatMap(each => each.trim() || []),
  }
  return suspect(slice, { suspicion, heardMs: now, question })
}

export function refuse(question: SignalOf<typeof operationRequested>, because: string): Directive {
  return reply(question, operationAnswered.of({ id: '', operation: 'handle_emergency', isTaken: false, because }))
}

/** What is met already is not met again. */
export function suspect(slice: Emergencies, suspected: Suspected): Step<Emergencies> {
  const { question, suspicion } = suspected
  const known = knownAs(slice, suspicion)
  const isWaiting = slice.suspected.some(
    each => each.suspicion.type === suspicion.type && each.suspicion.subject === suspicion.subject,
  )
  if (known !== undefined || isWaiting) {
    const because = `it is being met already${known ? ` as ${known.id}` : ''}`
    return { state: slice, directives: question === undefined ? [] : [refuse(question, because)] }
  }
  if (slice.open.size + slice.suspected.length >= OPEN_MAX) return tooMany(slice, suspected)
  return { state: { ...slice, suspected: [...slice.suspected, suspected] }, directives: [lookAtScene(slice)] }
}

/** Who asked is told; of what was only noticed people are, once. */
function tooMany(slice: Emergencies, { question, suspicion: { type, subject } }: Suspected): Step<Emergencies> {
  const because = `${OPEN_MAX} emergencies are being met`
  if (question !== undefined) return { state: slice, directives: [refuse(question, because)] }
  const key = keyOf(type, subject)
  if (slice.refused.includes(key) || slice.refused.length >= REFUSED_MAX) return stay(slice)
  return {
    state: { ...slice, refused: [...slice.refused, key] },
    directives: [emit(emergencyRefused.of({ type, subject, because }, subject))],
  }
}
