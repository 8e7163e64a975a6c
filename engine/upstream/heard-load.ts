import type { Load } from '../memory/reported-load.ts'
import { LOAD_HEADER, readLoadReport } from './load-report.ts'

/** Headers of an answer: [name, value, …] as they came, as text or bytes, or by their names in small letters. */
export type AnswerHeaders =
  | readonly (string | Buffer)[]
  | Readonly<Record<string, string | readonly string[] | undefined>>

/** What of a router is needed here. */
interface Hearing {
  readonly hearsLoad: boolean
  reportLoad(ticket: number, load: Load): void
}

/** Notes what the head of an answer says of the load of the endpoint it came from, where the service asks for it. */
export function hearLoad(router: Hearing, ticket: number, headers: AnswerHeaders): void {
  if (!router.hearsLoad) return
  const said = loadHeaderOf(headers)
  const load = said === undefined ? undefined : readLoadReport(said)
  if (load !== undefined) router.reportLoad(ticket, load)
}

function loadHeaderOf(headers: AnswerHeaders): string | undefined {
  if (!isRaw(headers)) return [headers[LOAD_HEADER]].flat()[0]
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    if (name.length === LOAD_HEADER.length && String(name).toLowerCase() === LOAD_HEADER) return String(headers[i + 1])
  }
  return undefined
}

function isRaw(headers: AnswerHeaders): headers is readonly (string | Buffer)[] {
  return Array.isArray(headers)
}
