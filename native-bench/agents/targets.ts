import type { Row } from '../harness.ts'

/** What was asked of the agents, and which row shows what they do. Times in ms, as they were specified. */
const TARGETS: readonly { what: string; row: string; usual: string; specified: string; aim: string }[] = [
  {
    ...{ what: 'discovery', row: 'discover/10 endpoints by two strategies' },
    ...{ usual: '500–2,000', specified: '100–500', aim: '25' },
  },
  {
    ...{ what: 'decision', row: 'pick+settle/least-request/64' },
    ...{ usual: '5–20', specified: '1–5', aim: '0.0005' },
  },
  { ...{ what: 'decision, explained', row: 'route/explained' }, ...{ usual: '5–20', specified: '1–5', aim: '5' } },
  { ...{ what: 'health check, basic', row: 'check/basic' }, ...{ usual: '100–1,000', specified: '50–300', aim: '5' } },
  {
    ...{ what: 'health check, six parts', row: 'check/comprehensive' },
    ...{ usual: '100–1,000', specified: '50–300', aim: '50' },
  },
  {
    ...{ what: 'failure detection', row: 'detect/five failures to ejected' },
    ...{ usual: '30,000–120,000', specified: '10,000–30,000', aim: '20' },
  },
  {
    ...{ what: 'coordination', row: 'agree/consensus/3 agents' },
    ...{ usual: '1,000–10,000', specified: '200–2,000', aim: '1' },
  },
  {
    ...{ what: 'recovery of an agent', row: 'recover/killed agent to running' },
    ...{ usual: '120,000–600,000', specified: '30,000–120,000', aim: '150' },
  },
]

/** The rows that something was asked of, beside what was; nothing where none of them was measured. */
export function besideTargets(rows: readonly Row[]): string {
  const lines = TARGETS.flatMap(({ what, row, usual, specified, aim }) => {
    const measured = rows.find(({ name }) => name === row)
    if (measured === undefined) return []
    return [[what, usual, specified, aim, ms(measured.nsMedian), ms(measured.nsP99)]]
  })
  if (lines.length === 0) return ''
  const head = ['ms', 'usual', 'specified', 'aim', 'here', 'p99']
  const line = ([what = '', ...columns]: string[]): string =>
    `${what.padEnd(26)}${columns.map(column => column.padStart(18)).join('')}\n`
  return [head, ...lines].map(line).join('')
}

function ms(ns: number): string {
  return (ns / 1e6).toPrecision(3)
}
