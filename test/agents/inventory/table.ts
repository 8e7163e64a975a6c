import { IDS } from './ids.ts'
import type { Listed } from './inventory.ts'

/** Kinds of ids, and what they are called in the table. */
const KINDS: readonly (readonly [prefix: string, title: string])[] = [
  ['AG', 'Agents'],
  ['AC', 'Actions'],
  ['SE', 'Sensors'],
  ['SK', 'Skills'],
  ['ALG', 'Algorithms'],
  ['D', 'Mistakes of others that are not made here'],
  ['F', 'Failures that are survived'],
]

export const BEGIN = '<!-- what works: generated -->'
export const END = '<!-- /what works -->'

/** The generated block of each page, by path. */
export function tables(rows: readonly Listed[]): Readonly<Record<string, readonly string[]>> {
  return { 'README.md': [framed(summary(rows))], 'agents/README.md': [framed(whole(rows))] }
}

function framed(lines: readonly string[]): string {
  return [BEGIN, '', ...lines, '', END].join('\n')
}

/** One line a kind: how many there are, how many work. */
function summary(rows: readonly Listed[]): string[] {
  const lines = KINDS.map(([prefix, title]) => {
    const specified = Object.keys(IDS).filter(id => isOf(id, prefix))
    const works = specified.filter(id => rows.some(row => row.id === id))
    return `| ${title.toLowerCase()} | ${specified.length} | ${works.length} |`
  })
  return ['| what was specified | ids | with code and proof |', '| --- | --- | --- |', ...lines]
}

function whole(rows: readonly Listed[]): string[] {
  return KINDS.flatMap(([prefix, title]) => [
    `### ${title}`,
    '',
    '| id | what | here | code | proof |',
    '| --- | --- | --- | --- | --- |',
    ...rows.filter(({ id }) => isOf(id, prefix)).map(line),
    '',
  ]).slice(0, -1)
}

function line({ id, does, code, test }: Listed): string {
  const [path = '', symbol = ''] = code.split('#')
  return `| ${id} | ${IDS[id]} | ${does} | [\`${symbol}\`](../${path}) | [test](../${test}) |`
}

function isOf(id: string, prefix: string): boolean {
  return id.replace(/-?\d+[a-z]?$/, '') === prefix
}
