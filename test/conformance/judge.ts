import type { Case, Upward, Want } from './case.ts'
import { type Answer, type Field, type Message, type Request, readAnswers, valuesOf } from './message.ts'
import { BEHIND_BODY } from './origin.ts'
import type { Seen } from './play.ts'

/** What is wrong with what came of a case; nothing where it passes. */
export function judge(wanted: Case, seen: Seen): string[] {
  const faults = always(wanted, seen)
  const attempts = wanted.want.map(want => judgeOne(wanted, want, seen))
  const best = attempts.sort((a, b) => a.length - b.length)[0] ?? []
  return [...faults, ...best]
}

/** What holds in every case: bytes with one meaning on both sides, and nothing of what must not be there. */
function always({ methods = [] }: Case, { text, end, upward, missed }: Seen): string[] {
  const faults = missed === undefined ? [] : [`waited in vain for ${missed}`]
  for (const { fault, messages } of upward) {
    if (fault !== undefined) faults.push(`the origin got what is no request: ${fault}`)
    for (const { target } of messages) if (target.includes('smuggled')) faults.push(`the origin got ${target}`)
  }
  const { fault, messages } = readAnswers(text, methods, end !== 'open')
  if (fault !== undefined) faults.push(`the downstream got what is no answer: ${fault}`)
  if (messages.some(({ body, line }) => `${line}${body}`.includes('smuggled'))) faults.push('an answer was smuggled')
  return faults
}

function judgeOne({ methods = [] }: Case, want: Want, { text, end, upward }: Seen): string[] {
  const faults: string[] = []
  const answers = readAnswers(text, methods, end !== 'open').messages
  const finals = answers.filter(({ status, body }) => status >= 200 && body !== BEHIND_BODY)
  const wasKept = answers.some(({ body }) => body === BEHIND_BODY)
  const first = finals[0]
  const expect = (name: string, got: unknown, wanted: unknown): void => {
    if (wanted !== undefined && JSON.stringify(got) !== JSON.stringify(wanted)) {
      faults.push(`${name}: ${JSON.stringify(got)?.slice(0, 300)}, not ${JSON.stringify(wanted)?.slice(0, 300)}`)
    }
  }
  if (want.status === 'error') {
    if (first === undefined ? end === 'open' : first.status < 400) faults.push(`status ${first?.status}`)
  } else if (want.status !== undefined) {
    if (![want.status].flat().includes(first?.status ?? 0)) faults.push(`status ${first?.status}, not ${want.status}`)
    expect('answers', finals.length, want.answers ?? 1)
    expect('whole', first?.isWhole, want.isWhole ?? true)
  }
  const interim = answers.filter(({ status }) => status < 200).map(({ status }) => status)
  expect('interim answers', interim, want.interim)
  if (first !== undefined) faults.push(...judgeMessage(first, { ...want, line: undefined }))
  expect('connection', wasKept ? 'kept' : 'closed', want.connection)
  const requests = upward.flatMap(each => each.messages).filter(({ target }) => !/^\/(behind|flush)$/.test(target))
  if (want.origin === 'cut') expect('whole requests at the origin', requests.map(lineOf), [])
  else if (want.origin !== undefined) faults.push(...judgeUpward(requests, want.origin))
  return faults
}

const lineOf = ({ line }: Request): string => line

function judgeUpward(requests: readonly Request[], wanted: readonly Upward[]): string[] {
  if (requests.length !== wanted.length) return [`at the origin: ${JSON.stringify(requests.map(lineOf)).slice(0, 300)}`]
  return requests.flatMap((request, i) => judgeMessage(request, wanted[i]!))
}

function judgeMessage(message: Request | Answer, want: Upward): string[] {
  const faults: string[] = []
  const { line, body, framing, fields, trailers } = message
  if (want.line !== undefined && line !== want.line) faults.push(`line ${line}, not ${want.line}`)
  if (want.body !== undefined && body !== want.body) {
    faults.push(`body of ${body.length}: ${JSON.stringify(body.slice(0, 60))}, not ${want.body.length}`)
  }
  if (want.framing !== undefined && framing !== want.framing) faults.push(`framing ${framing}, not ${want.framing}`)
  for (const field of want.has ?? []) if (!isAmong(fields, field)) faults.push(`lacks "${field}"`)
  for (const field of want.trailers ?? []) if (!isAmong(trailers, field)) faults.push(`lacks the trailer "${field}"`)
  for (const name of want.lacks ?? []) {
    const all = [...fields, ...trailers]
    if (name.includes(': ') ? isAmong(all, name) : valuesOf(all, name).length > 0) faults.push(`has ${name}`)
  }
  if (want.exact !== undefined && !textOf(message).includes(`\n${want.exact.join('\n')}\n`)) {
    faults.push(`lacks the lines ${want.exact.join(' | ')} in ${textOf(message).replaceAll('\n', ' | ')}`)
  }
  return faults
}

function isAmong(fields: readonly Field[], field: string): boolean {
  const colon = field.indexOf(':')
  return valuesOf(fields, field.slice(0, colon)).includes(field.slice(colon + 1).trim())
}

const textOf = ({ fields }: Message): string => `\n${fields.map(([name, value]) => `${name}: ${value}`).join('\n')}\n`
