import type { IncomingHttpHeaders } from 'node:http'
import { steadyMs } from '../../kit/clock.ts'
import { reasonOf } from '../../skills/fault-reason.ts'
import { ask } from '../ask.ts'
import { begin, type Inquiry, loadIn } from '../attempt.ts'
import { type HealthBody, isJson, readHealthBody } from '../health-body.ts'
import type { Load } from '../load-figures.ts'
import { type Finding, failed, passed, skipped } from './looks.ts'

/** A whole answer to a health check. Of those that are no HTTP: whether it passed, and its word for it. */
export interface Answer {
  readonly hasPassed: boolean
  readonly word: string
  readonly status: number
  readonly body: HealthBody | undefined
  readonly header: Load | undefined
  readonly tookUs: number
}

/** More is not read of a body: a deep report of an application has its place in it. */
const BODY_BYTES_MAX = 64 * 1024

/** Asks in the way of its type, and waits for all of the answer. Rejects where there is none. */
export function answerOf(inquiry: Inquiry, signal: AbortSignal): Promise<Answer> {
  const sinceMs = steadyMs()
  const took = (): number => Math.round((steadyMs() - sinceMs) * 1000)
  const { type = 'http' } = inquiry
  if (type !== 'http') {
    return new Promise(resolve => {
      const none = { status: 0, body: undefined, header: undefined }
      begin(
        { ...inquiry, signal },
        (verdict, word) => resolve({ hasPassed: verdict === 'passed', word, ...none, tookUs: took() }),
        () => {},
      )
    })
  }
  return new Promise((resolve, reject) => {
    let answer: Omit<Answer, 'body'> | undefined
    let isBodyJson = false
    const end = (bytes: Buffer | undefined): void => {
      const text = bytes?.toString('utf8')
      const wanted = inquiry.expect?.body
      const hasPassed = answer!.hasPassed && (wanted === undefined || text?.includes(wanted) === true)
      const body = isBodyJson && text !== undefined ? readHealthBody(text) : undefined
      resolve({ ...answer!, hasPassed, body })
    }
    ask(
      { ...inquiry, signal },
      {
        onAnswer: (status, headers) => {
          const hasPassed = inquiry.expect?.statuses?.includes(status) ?? (status >= 200 && status < 300)
          answer = { hasPassed, word: String(status), status, header: loadIn(headers), tookUs: took() }
          isBodyJson = isJson(headers['content-type'])
          if (isBodyJson || inquiry.expect?.body !== undefined) return BODY_BYTES_MAX
          end(undefined)
          return 0
        },
        onBody: end,
        onError: reject,
      },
    )
  })
}

/** Whether it answers, and what it says of itself in the body: its word makes it worse than its status, never better. */
export async function lookAtApplication(answer: Promise<Answer>): Promise<Finding> {
  try {
    const { hasPassed, word, body, tookUs } = await answer
    const figures = { 'check-time': tookUs }
    if (!hasPassed) return failed(word, figures, { isCritical: true })
    const says = body?.says ?? 'unknown'
    if (says === 'failed') return failed('it says itself that it has failed', figures, { isCritical: true })
    if (says === 'degraded') return failed('it says itself that it is degraded', figures, { score: 0.5 })
    return passed(word, figures)
  } catch (error) {
    return failed(reasonOf(error), {}, { isCritical: true })
  }
}

/** Shares from 0 to 1 that are enough. */
export type Thresholds = Readonly<Record<'cpu' | 'memory' | 'disk' | 'network', number>>

/** What it says of its resources, against what is enough. What it says nowhere is nowhere to be seen. */
export async function lookAtResources(answer: Promise<Answer>, thresholds: Thresholds): Promise<Finding> {
  const found = await answer.catch(() => undefined)
  if (found === undefined) return skipped('it has not answered')
  const load: Load = { ...found.header, ...found.body?.load }
  const names = Object.keys(thresholds) as (keyof Thresholds)[]
  const figures = Object.fromEntries(names.flatMap(name => (load[name] === undefined ? [] : [[name, load[name]]])))
  if (Object.keys(figures).length === 0) return skipped('it says nothing of them')
  const over = names.filter(name => (load[name] ?? 0) > thresholds[name])
  if (over.length === 0) return passed('within their limits', figures)
  const said = over.map(name => `${name} at ${Math.round((load[name] ?? 0) * 100)} %`).join(', ')
  return failed(said, figures, { score: 1 - over.length / Object.keys(figures).length })
}

/** What it says of those it depends on. */
export async function lookAtDependencies(answer: Promise<Answer>): Promise<Finding> {
  const found = await answer.catch(() => undefined)
  const dependencies = found?.body?.dependencies ?? []
  if (dependencies.length === 0) return skipped('it names none')
  const bad = dependencies.filter(({ status }) => status === 'failed' || status === 'degraded')
  const figures = { dependencies: dependencies.length }
  if (bad.length === 0) return passed(`${dependencies.length} of them`, figures)
  const said = bad.map(({ name, status }) => `${name} ${status}`).join(', ')
  return failed(said, figures, { score: 1 - bad.length / dependencies.length })
}

/** A request as others make it: whether the path that was told for it answers. */
export async function lookAtRequest(inquiry: Inquiry, path: string, signal: AbortSignal): Promise<Finding> {
  const sinceMs = steadyMs()
  const status = await new Promise<number>((resolve, reject) => {
    const onAnswer = (code: number, _headers: IncomingHttpHeaders): number => {
      resolve(code)
      return 0
    }
    ask({ ...inquiry, path, signal }, { onAnswer, onError: reject })
  })
  const figures = { 'response-time': Math.round((steadyMs() - sinceMs) * 1000), status }
  return status < 400 ? passed(String(status), figures) : failed(String(status), figures)
}
