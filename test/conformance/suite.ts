import type { Case } from './case.ts'
import { CONVERSATIONS } from './cases/conversations.ts'
import { FIELDS } from './cases/fields.ts'
import { FRAMING } from './cases/framing.ts'
import { GOOD_ANSWERS } from './cases/good-answers.ts'
import { GOOD_REQUESTS } from './cases/good-requests.ts'
import { HOSTILE_ANSWERS } from './cases/hostile-answers.ts'
import { REQUEST_LINES } from './cases/request-lines.ts'
import { judge } from './judge.ts'
import { readAnswers, valuesOf } from './message.ts'
import { play } from './play.ts'
import type { Subject } from './proxies.ts'

/** All cases, by group. The first three are good traffic. */
export const GROUPS = {
  'good requests': GOOD_REQUESTS,
  'good answers': GOOD_ANSWERS,
  conversations: CONVERSATIONS,
  framing: FRAMING,
  'request lines and hosts': REQUEST_LINES,
  'fields and limits': FIELDS,
  'hostile answers': HOSTILE_ANSWERS,
} as const satisfies Record<string, readonly Case[]>

export type Group = keyof typeof GROUPS

export const GROUP_NAMES = Object.keys(GROUPS) as Group[]

/** What one proxy made of one case: the faults, none where it passes. */
export interface Verdict {
  readonly group: Group
  readonly wanted: Case
  readonly faults: readonly string[]
}

/** Several of each proxy, each with an origin of its own, because some cases wait for a deadline. */
const LANES = 4

/** Plays all cases against one kind of proxy; on one lane one after the other, so that the bytes at its origin belong to one. */
export async function judgeAll(
  start: () => Promise<Subject>,
  { isOurs, deadlineMs, only = () => true }: { isOurs: boolean; deadlineMs: number; only?: (wanted: Case) => boolean },
): Promise<Verdict[]> {
  const waiting = GROUP_NAMES.flatMap(group => GROUPS[group].filter(only).map(wanted => ({ group, wanted })))
  const verdicts: Verdict[] = []
  const lane = async (): Promise<void> => {
    const { port, origin, close } = await start()
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { wanted } = next
      const seen = await play(wanted, port, origin, deadlineMs)
      const faults = judge(wanted, seen)
      if (isOurs) faults.push(...judgeReason(wanted, seen.text))
      verdicts.push({ ...next, faults })
    }
    await close()
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return verdicts
}

/** Our own refusals name their cause. */
function judgeReason({ reason }: Case, text: string): string[] {
  if (reason === undefined) return []
  const { messages } = readAnswers(text, [], true)
  const first = messages.find(({ status }) => status >= 200)
  if (first === undefined) return [`no answer, and so no reason ${reason}`]
  if (first.status < 400) return []
  const [given] = valuesOf(first.fields, 'x-signalbox-reason')
  if (given !== reason) return [`reason ${given}, not ${reason}`]
  const { error } = JSON.parse(first.body) as { error: { code: string } }
  return error.code === `SBX_${reason.replaceAll('-', '_').toUpperCase()}` ? [] : [`code ${error.code}`]
}
