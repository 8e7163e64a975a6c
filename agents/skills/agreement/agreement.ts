import { type Config, elapsedMs } from '../../../engine/writer.ts'
import { idOf } from '../../bridge/proposal.ts'
import { defineAction } from '../../kit/grammar/action.ts'
import { act, reply, type Step, stay } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSensor } from '../../kit/grammar/sensor.ts'
import { defineSignal, type Signal, type SignalOf } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { consensusDecided } from '../../kit/member/membership-signals.ts'
import { consensusSensed, motionDecided, motionRequested } from '../../signals.ts'
import { type Agreed, agree, type Wanted } from './agree.ts'
import { Decisions } from './decisions.ts'

export interface AgreementOptions {
  /** What a motion gets that names no time, in ms. */
  timeoutMs(config: Config): number
  /** Motions that are followed at a time; more are answered `unknown`. */
  readonly openMax: number
}

/** A motion that is under way, and who waits for what becomes of it. */
interface Open {
  readonly type: string
  readonly subject: string
  readonly sinceMs: number
  readonly askers: readonly Signal[]
}

export interface Agreement {
  readonly timeoutMs: number
  readonly openMax: number
  readonly options: AgreementOptions
  /** By the id of the proposal. */
  readonly open: ReadonlyMap<string, Open>
  /** Changed in place, see there. */
  readonly decided: Decisions
  /** From the request to the answer of the last that was decided, in ms. */
  readonly lastDecisionMs: number | null
}

/** Who can wait for one motion; more are answered `unknown`. */
const ASKERS_MAX = 64

const motionEnded = defineSignal('signalbox.motion.ended', {
  data: trusted<Agreed & { readonly id: string }>(),
})

/** Opens a motion and follows it to its end. */
export const followMotion = defineAction({
  name: 'follow-motion',
  done: motionEnded,
  // The motion keeps its own time.
  timeoutMs: 0,
  run: async ({ id, wanted }: { id: string; wanted: Wanted }, edge) => ({ id, ...(await agree(edge, wanted)) }),
})

/** How often the store is asked how it is. */
const SENSE_MS = 5_000

/** How it stands with agreement: what is under way, since when, and how the store answers. */
export const consensusState = defineSensor({
  name: 'consensus-state',
  emits: consensusSensed,
  everyMs: SENSE_MS,
  spreadMs: SENSE_MS / 10,
  start: () => null,
  async read({ bridge, knows }) {
    const status = await bridge?.status()
    return { status, lastDecisionMs: (knows() as Agreement).lastDecisionMs }
  },
  perceive: (memory, { status, lastDecisionMs }) => ({
    memory,
    readings: [
      consensusSensed.of({
        isReachable: status?.isReachable ?? false,
        term: status?.term ?? 0,
        open: status?.open ?? 0,
        oldestMs: status?.oldestMs ?? 0,
        answeredMs: status?.answeredMs ?? null,
        lastDecisionMs,
      }),
    ],
  }),
})

/**
 * Agrees on behalf of others: whoever asks for a motion gets what became of it, however many ask for the same at once.
 *
 *   motionRequested ──▶ open: all of a role, in the lives they are in ──▶ decided · expired · unknown ──▶ motionDecided
 *          └─ the same is under way: waits for that
 *
 * Nothing is decided here: voters see a proposal by themselves, and who sees enough votes writes the decision down. When this one dies,
 * what it has opened goes on, and who asked again joins it.
 */
export const agreement = defineSkill({
  name: 'agreement',
  listens: [motionRequested, consensusDecided],
  emits: [motionDecided, consensusSensed],
  actions: [followMotion],
  sensors: [consensusState],
  start: (options: AgreementOptions, { config }): Step<Agreement> =>
    stay({
      timeoutMs: options.timeoutMs(config),
      openMax: options.openMax,
      options,
      open: new Map(),
      decided: new Decisions(),
      lastDecisionMs: null,
    }),
  reload: (slice, config) => stay({ ...slice, timeoutMs: slice.options.timeoutMs(config) }),
  decide(slice, signal, now) {
    switch (signal.type) {
      case 'signalbox.consensus.request':
        return onRequested(slice, signal, now)
      case 'signalbox.motion.ended':
        return onEnded(slice, signal.data, now)
      case 'signalbox.consensus.decided':
        slice.decided.note(signal.data.id, signal.data)
        return stay(slice)
      default:
        return stay(slice)
    }
  },
})

function onRequested(slice: Agreement, question: SignalOf<typeof motionRequested>, now: number): Step<Agreement> {
  const { type, subject, role, payload, timeoutMs, rule } = question.data
  const episode = slice.decided.episodeOf(type, subject)
  const id = idOf({ type, subject, episode })
  const known = slice.open.get(id)
  if (known === undefined ? slice.open.size >= slice.openMax : known.askers.length >= ASKERS_MAX) {
    const because = `${slice.open.size} motions are under way, ask again later`
    return { state: slice, directives: [reply(question, motionDecided.of({ ...UNKNOWN, because }))] }
  }
  const askers = [...(known?.askers ?? []), question]
  const open = new Map(slice.open).set(id, { type, subject, sinceMs: known?.sinceMs ?? now, askers })
  const wanted = { type, subject, episode, payload, role, rule, timeoutMs: timeoutMs || slice.timeoutMs }
  return { state: { ...slice, open }, directives: known === undefined ? [act(followMotion, { id, wanted })] : [] }
}

const UNKNOWN = { proposal: '', status: 'unknown', fence: 0 } as const

function onEnded(
  slice: Agreement,
  { id, proposal, status, fence, because }: Agreed & { readonly id: string },
  now: number,
): Step<Agreement> {
  const ended = slice.open.get(id)
  if (ended === undefined) return stay(slice)
  const open = new Map(slice.open)
  open.delete(id)
  // What is unknown may be decided all the same: its voters know, and tell.
  if (status !== 'unknown') slice.decided.note(id, { status, fence })
  const lastDecisionMs = status === 'unknown' ? slice.lastDecisionMs : elapsedMs(now, ended.sinceMs)
  const answer = motionDecided.of({ proposal, status, fence, because }, ended.subject)
  return { state: { ...slice, open, lastDecisionMs }, directives: ended.askers.map(asker => reply(asker, answer)) }
}
