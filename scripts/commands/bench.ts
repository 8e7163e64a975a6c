import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { consensusJourneys } from '../../native-bench/agents/consensus.ts'
import { failureJourneys } from '../../native-bench/agents/failures.ts'
import { questionJourneys } from '../../native-bench/agents/questions.ts'
import { besideTargets } from '../../native-bench/agents/targets.ts'
import { BESIDE_NAMES, type Beside, besideNative } from '../../native-bench/baseline/beside.ts'
import { overBudget } from '../../native-bench/budget.ts'
import { machineLine, measure, type Row } from '../../native-bench/harness.ts'
import { pickSubjects } from '../../native-bench/policies/pick.ts'
import type { Command } from './command.ts'

export const bench: Command = {
  name: 'bench',
  usage: '[NAME ...] [--json FILE] [--check]',
  summary: 'measures what a decision costs here',
  details: `
  NAME          measures only rows whose name contains it, as in: least-request/64
  --json FILE   writes the rows as JSON as well
  --check       exits 1 when a row costs more than its budget

Each row is timed in batches of 10,000 calls, 200 samples; nanoseconds per call. What agents agree on (agree/…) is timed one by one,
2,000 times, from proposal to decision; what has failed (detect/…, recover/…) until it is left alone, and until it is back. native/… holds
a decision here against the same algorithm in C++ on the same memory, in turns; where there is no g++ these rows are left out.
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: 'string' }, check: { type: 'boolean' } },
    })
    const { subjects, close } = await pickSubjects()
    const journeys = [...consensusJourneys(), ...failureJourneys(), ...questionJourneys()]
    const isChosen = ({ name }: { name: string }): boolean =>
      positionals.length === 0 || positionals.some(part => name.includes(part))
    const [chosen, chosenJourneys] = [subjects.filter(isChosen), journeys.filter(isChosen)]
    const all = [...subjects, ...journeys, ...BESIDE_NAMES.map(name => ({ name }))]
    if (!all.some(isChosen)) {
      const names = all.map(({ name }) => `  ${name}\n`)
      process.stderr.write(`signalbox bench: no row is called like that; there are\n${names.join('')}`)
      return 2
    }
    const rows = await measure(chosen, chosenJourneys, showProgress)
    close()
    const native = await besideNative(isChosen, showProgress)
    process.stdout.write(`${machineLine()}\n`)
    if (rows.length > 0) process.stdout.write(`\n${table(rows)}`)
    if (native.length > 0) process.stdout.write(`\n${nativeTable(native)}`)
    const beside = besideTargets(rows)
    if (beside !== '') process.stdout.write(`\n${beside}`)
    if (values.json !== undefined) {
      await writeFile(values.json, `${JSON.stringify({ machine: machineLine(), rows, native }, null, 2)}\n`)
    }
    if (values.check !== true) return 0
    const over = overBudget(rows, native)
    process.stdout.write(over.length === 0 ? '\nwithin budget\n' : `\n${over.join('\n')}\n`)
    return over.length === 0 ? 0 : 1
  },
}

function showProgress(done: number, of: number): void {
  if (!process.stderr.isTTY) return
  const filled = Math.round((done / of) * 30)
  process.stderr.write(
    `\r[${'█'.repeat(filled)}${'·'.repeat(30 - filled)}] ${done}/${of}${done === of ? '\r\x1b[K' : ''}`,
  )
}

function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length))
  const line = (name: string, ...columns: string[]): string =>
    `${name.padEnd(width)}${columns.map(column => column.padStart(12)).join('')}\n`
  return (
    line('', 'median', 'p99', '± %') +
    rows.map(row => line(row.name, time(row.nsMedian), time(row.nsP99), row.spreadPercent.toFixed(1))).join('')
  )
}

function nativeTable(rows: readonly Beside[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length))
  const line = (name: string, ...columns: string[]): string =>
    `${name.padEnd(width)}${columns.map(column => column.padStart(14)).join('')}\n`
  const heading = line('', 'here', 'C++ -O2', 'times', '10 % … 90 %')
  return (
    heading +
    rows
      .map(({ name, hereNs, nativeNs, ratio, ratioLow, ratioHigh }) =>
        line(name, time(hereNs), time(nativeNs), ratio.toFixed(2), `${ratioLow.toFixed(2)} … ${ratioHigh.toFixed(2)}`),
      )
      .join('')
  )
}

/** In the unit that people would say it in. */
function time(ns: number): string {
  if (ns < 10_000) return `${ns.toFixed(1)} ns`
  return ns < 1e6 ? `${(ns / 1e3).toFixed(1)} µs` : `${(ns / 1e6).toFixed(2)} ms`
}
