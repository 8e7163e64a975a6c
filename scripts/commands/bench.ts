import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { besideTargets } from '../../native-bench/agents/targets.ts'
import { overBudget } from '../../native-bench/budget.ts'
import { machineLine } from '../../native-bench/harness.ts'
import { plotsOf } from '../../native-bench/report/plots.ts'
import { rowTable, standingTable } from '../../native-bench/report/tables.ts'
import { type Group, type Measured, measureGroup, namesOf, SUITE } from '../../native-bench/suite.ts'
import { Progress } from '../progress.ts'
import type { Command } from './command.ts'

export const bench: Command = {
  name: 'bench',
  usage: '[NAME ...] [--all] [--json FILE] [--results FOLDER] [--check]',
  summary: 'measures what a decision costs here, and what others cost beside it',
  details: `
  NAME               measures only rows whose name contains it, as in: least-request/64, or a whole group
  --all              measures what takes long as well
  --json FILE        writes all that was measured as JSON
  --results FOLDER   writes a JSON file and plots (SVG) for each group there, as it goes: a run that is ended keeps what it has
  --check            exits 1 when a row costs more than its budget

Groups, those marked * only when named or with --all:
${SUITE.map(({ name, summary, isLong }) => `  ${name}${isLong === true ? ' *' : ''}`.padEnd(21) + summary).join('\n')}

Rows are timed in batches of up to 10,000 calls, 200 samples; nanoseconds per call. Then they are timed call by call, "single", the clock's
own cost in it, which is what null/empty-call shows. What takes time by waiting is timed one by one. What is compared is measured in turns, so
that what the machine does besides befalls all sides: "times" is the median over the rounds of how many times as much one takes as the first.
Who is not on this machine (a compiler, a proxy, a package) is left out, and named.
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        all: { type: 'boolean' },
        json: { type: 'string' },
        results: { type: 'string' },
        check: { type: 'boolean' },
      },
    })
    const chosen = chosenOf(positionals, values.all === true)
    if (chosen.length === 0) {
      const names = SUITE.flatMap(namesOf).map(name => `  ${name}\n`)
      process.stderr.write(`signalbox bench: no row is called like that; there are\n${names.join('')}`)
      return 2
    }
    const machine = machineLine()
    process.stdout.write(`${machine}\n`)
    const all: Record<string, Measured> = {}
    const progress = new Progress()
    const of = chosen.reduce((sum, { names }) => sum + names.size, 0)
    let done = 0
    for (const { group, names } of chosen) {
      const measured = await measureGroup(
        group,
        name => names.has(name),
        async (name, soFar) => {
          progress.show(++done, of, name)
          if (values.results !== undefined) await keep(values.results, group, soFar, machine)
        },
      )
      all[group.name] = measured
      progress.clear()
      process.stdout.write(told(group, measured))
    }
    const rows = Object.values(all).flatMap(each => each.rows)
    const standings = Object.values(all).flatMap(each => each.standings)
    if (values.json !== undefined) await writeFile(values.json, inJson({ machine, rows, standings }))
    if (values.check !== true) return 0
    const over = overBudget(rows, standings)
    process.stdout.write(over.length === 0 ? '\nwithin budget\n' : `\n${over.join('\n')}\n`)
    return over.length === 0 ? 0 : 1
  },
}

interface Chosen {
  readonly group: Group
  readonly names: ReadonlySet<string>
}

/** A word that is the name of a group chooses that; any other one chooses rows by a part of their names. */
function chosenOf(words: readonly string[], isAll: boolean): Chosen[] {
  const isGroup = (word: string): boolean => SUITE.some(({ name }) => name === word)
  const parts = words.filter(word => !isGroup(word))
  const chosen = SUITE.map(group => {
    const isWhole = words.length === 0 ? isAll || group.isLong !== true : words.includes(group.name)
    const names = namesOf(group).filter(name => isWhole || parts.some(part => name.includes(part)))
    return { group, names: new Set(names) }
  })
  return chosen.filter(({ names }) => names.size > 0)
}

function told({ contests = [] }: Group, { rows, standings, missing }: Measured): string {
  const parts = [
    rows.length > 0 ? rowTable(rows) : '',
    standings.length > 0 ? standingTable(contests, standings) : '',
    besideTargets(rows),
    missing.length > 0 ? `not on this machine:\n${missing.map(each => `  ${each}\n`).join('')}` : '',
  ]
  return parts.map(part => (part === '' ? '' : `\n${part}`)).join('')
}

async function keep(folder: string, group: Group, measured: Measured, machine: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${group.name}.json`), inJson({ machine, ...measured }))
  for (const [file, svg] of Object.entries(plotsOf(group, measured, machine))) await writeFile(join(folder, file), svg)
}

function inJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
