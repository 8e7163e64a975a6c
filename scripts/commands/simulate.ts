import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { machineLine } from '../../native-bench/harness.ts'
import { compare } from '../../native-bench/quality/compare.ts'
import { readScenario, scenarioNames } from '../../native-bench/quality/scenario/scenario.ts'
import { barsInText, plotOf, tableOf } from '../../native-bench/quality/tell.ts'
import { Progress } from '../progress.ts'
import type { Command } from './command.ts'

export const simulate: Command = {
  name: 'simulate',
  usage: 'SCENARIO [--seeds N] [--first-seed N] [--plot FILE] [--json FILE]',
  summary: 'compares policies and the rules of others in virtual time',
  details: `
  SCENARIO          one that comes with it, or a file of your own:
${scenarioNames()
  .map(name => `                      ${name}\n`)
  .join('')}
  --seeds N         so many runs with chances of their own; the table has medians. Default: what the scenario says
  --first-seed N    the first of them. Default: 1
  --plot FILE       draws it as SVG
  --json FILE       writes all figures

Requests come by chance, the real routers pick from real shared memory, machines of a simulation work; who is marked ● is signalbox. The
oracle knows all that is there at a moment, and is the bound. With the same seeds the same happens again, on any machine.
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        seeds: { type: 'string' },
        'first-seed': { type: 'string' },
        plot: { type: 'string' },
        json: { type: 'string' },
      },
    })
    if (positionals.length !== 1) {
      process.stderr.write('signalbox simulate: name one scenario: signalbox simulate SCENARIO\n')
      return 2
    }
    const [seeds, firstSeed] = [values.seeds, values['first-seed']].map(written =>
      written === undefined ? undefined : Number(written),
    )
    if (seeds !== undefined && !(Number.isInteger(seeds) && seeds >= 1 && seeds <= 1000)) {
      process.stderr.write(`signalbox simulate: --seeds ${values.seeds} is not a number of runs; write 1 to 1000\n`)
      return 2
    }
    if (firstSeed !== undefined && !Number.isInteger(firstSeed)) {
      process.stderr.write(`signalbox simulate: --first-seed ${values['first-seed']} is not a whole number\n`)
      return 2
    }
    const read = await readScenario(positionals[0]!)
    if ('problems' in read) {
      process.stderr.write(`${read.problems}\n`)
      return 2
    }
    const progress = new Progress()
    const results = await compare(read.text, {
      seeds,
      firstSeed,
      onProgress: (done, of, what) => progress.show(done, of, what),
    })
    progress.clear()
    process.stdout.write(`${read.text.title}\n${read.text.source === undefined ? '' : `${read.text.source}\n`}`)
    process.stdout.write(
      `ms, medians of ${results[0]!.courses.length} seeds\n\n${tableOf(results)}\n${barsInText(results)}`,
    )
    if (values.plot !== undefined) await writeFile(values.plot, plotOf(read.text, results, machineLine()))
    if (values.json !== undefined) {
      const told = results.map(({ contender, point, courses }) => ({
        contender: contender.label,
        point: point.label,
        courses,
      }))
      await writeFile(values.json, `${JSON.stringify({ scenario: read.text, results: told }, null, 2)}\n`)
    }
    return 0
  },
}
