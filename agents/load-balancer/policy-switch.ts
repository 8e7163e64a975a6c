import { policyFault, policyNumber, reportService } from '../../engine/writer.ts'
import { defineAction } from '../kit/grammar/action.ts'
import { type Directive, reply, writeService } from '../kit/grammar/directive.ts'
import { trusted } from '../kit/grammar/schema.ts'
import { defineSignal, type Signal } from '../kit/grammar/signal.ts'
import { policyTaken } from '../signals.ts'

/** A wish for another policy, and whether it may be. */
export interface Judged {
  readonly question: Signal
  readonly service: string
  /** −1: there is no such service. */
  readonly index: number
  /** The one that is in force, and the one that is to be. */
  readonly before: string
  readonly policy: string
  /** Of what is to be written; 0: that of the config. */
  readonly number: number
  /** Why not; empty: it may. */
  readonly refused: string
}

/** To itself: whether a service may be picked by another policy. */
export const policyJudged = defineSignal('signalbox.policy.judged', { data: trusted<Judged>() })

interface Wish {
  readonly question: Signal
  readonly service: string
  /** Empty: that of the config; with a `!` also where keys then leave their endpoints. */
  readonly policy: string
}

/** Looks whether a service may be picked by another policy than its config says. */
export const judgePolicy = defineAction({
  name: 'judge-policy',
  done: policyJudged,
  run: ({ question, service, policy }: Wish, { attachment }): Judged => {
    const index = attachment.serviceTexts().findIndex(({ text }) => text.name === service && !text.isGone)
    if (index < 0) {
      const refused = `there is no service "${service}"`
      return { question, service, index, before: '', policy, number: 0, refused }
    }
    const { text } = attachment.serviceTexts()[index]!
    const isExpress = policy.endsWith('!')
    const name = isExpress ? policy.slice(0, -1) : policy
    const isOwn = name === '' || policyNumber(name) === policyNumber(text.policy.name)
    const refused = isOwn ? '' : (policyFault(text, name, isExpress) ?? '')
    return {
      ...{ question, service, index, refused, before: reportService(attachment, service).policy },
      policy: isOwn ? text.policy.name : name,
      number: isOwn || refused !== '' ? 0 : policyNumber(name),
    }
  },
})

/** Takes it, or says why not: the answer comes when it is written, and the next pick of every thread is by it. */
export function switchPolicy({ question, service, index, before, policy, number, refused }: Judged): Directive[] {
  const answer = reply(
    question,
    policyTaken.of({ service, policy: refused === '' ? policy : before, before, refused }, service),
  )
  return refused === '' ? [writeService('policy', index, number), answer] : [answer]
}
