import { agentsGroup } from './agents/group.ts'
import { nativeDecisions } from './baseline/decisions.ts'
import { peers } from './baseline/peers/group.ts'
import { type Contest, compete, type Standing } from './contest.ts'
import { type Journey, measure, type Row, type Subject } from './harness.ts'
import { compileGroup } from './memory/compile/compile-group.ts'
import { publicationGroup } from './memory/publication/publication-group.ts'
import { ringGroup } from './memory/ring/ring-group.ts'
import { decisions } from './policies/decisions.ts'
import { load, matrix } from './policies/threads.ts'
import { proxies } from './proxy/group.ts'
import { journey } from './router/journey.ts'
import { uneven } from './uneven/group.ts'

/** What belongs together: one folder, one word that names begin with, one page of results. */
export interface Group {
  readonly name: string
  readonly summary: string
  /** Takes longer than people wait for who did not ask for it: measured when it is named, or everything is asked for. */
  readonly isLong?: boolean
  readonly subjects?: readonly Subject[]
  readonly journeys?: readonly Journey[]
  readonly contests?: readonly Contest[]
  /** Its pictures, by the name of the file, where one bar for each row or side would not be the picture. */
  plots?(measured: Measured, machine: string): Readonly<Record<string, string>>
}

export interface Measured {
  readonly rows: readonly Row[]
  readonly standings: readonly Standing[]
  /** Sides that this machine does not have, as `contest: side`. */
  readonly missing: readonly string[]
}

/** All there is to measure. To add something: a line here, and its folder. */
export const SUITE: readonly Group[] = [
  decisions,
  load,
  matrix,
  journey,
  nativeDecisions,
  peers,
  ringGroup,
  compileGroup,
  publicationGroup,
  agentsGroup,
  proxies,
  uneven,
]

/** All that can be asked for by name. */
export function namesOf({ subjects = [], journeys = [], contests = [] }: Group): string[] {
  return [...subjects, ...journeys, ...contests].map(({ name }) => name)
}

/** Measures what is chosen of a group, one after the other. After each of them all that is measured so far is told. */
export async function measureGroup(
  { subjects = [], journeys = [], contests = [] }: Group,
  isChosen: (name: string) => boolean,
  onMeasured: (name: string, soFar: Measured) => void | Promise<void>,
): Promise<Measured> {
  const chosen = <Named extends { readonly name: string }>(all: readonly Named[]): Named[] =>
    all.filter(({ name }) => isChosen(name))
  const rows: Row[] = []
  const standings: Standing[] = []
  const missing: string[] = []
  const measured: Measured = { rows, standings, missing }
  await measure(chosen(subjects), chosen(journeys), row => {
    rows.push(row)
    return onMeasured(row.name, measured)
  })
  for (const contest of chosen(contests)) {
    const own = await compete(contest)
    standings.push(...own)
    const absent = contest.sides.filter(side => !own.some(each => each.side === side.name))
    missing.push(...absent.map(side => `${contest.name}: ${side.name}`))
    await onMeasured(contest.name, measured)
  }
  return measured
}
