import type { Dispatcher } from 'undici'
import { LOAD_HEADER } from '../upstream/load-report.ts'

/** Headers of an answer in either of undici's styles: name, value, … as they came, or by their names in small letters. */
export type AnswerHeaders =
  | readonly Buffer[]
  | Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2]

/** What the head of an answer says of the load of its endpoint; undefined: nothing. */
export function loadHeaderOf(headers: AnswerHeaders): string | undefined {
  if (!isRaw(headers)) return [headers[LOAD_HEADER]].flat()[0]
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]!.length !== LOAD_HEADER.length) continue
    if (headers[i]!.toString('latin1').toLowerCase() === LOAD_HEADER) return headers[i + 1]!.toString('latin1')
  }
  return undefined
}

function isRaw(headers: AnswerHeaders): headers is readonly Buffer[] {
  return Array.isArray(headers)
}
