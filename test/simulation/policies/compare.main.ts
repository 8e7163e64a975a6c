import { compare, tableOf } from './compare.ts'

/** In a process of its own: the runner of tests follows every promise, and a minute has some million. With `table` it is for people. */
const [policies = '', first = '', seeds = '', warmUpS = '', forS = '', form = ''] = process.argv.slice(2)
const courses = await compare(
  policies.split(','),
  Array.from({ length: Number(seeds) }, (_, i) => Number(first) + i),
  { warmUpMs: Number(warmUpS) * 1000, forMs: Number(forS) * 1000 },
)
process.stdout.write(form === 'table' ? `${tableOf(courses)}\n` : JSON.stringify(courses))
