import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TOP } from '../../support/source-files.ts'
import { IDS } from './ids.ts'
import type { Row } from './row.ts'

/** A row, and the part of the control plane that lists it. */
export interface Listed extends Row {
  readonly part: string
}

const HERE = 'test/agents/inventory'
const OURS = new Set(['ids', 'row', 'inventory', 'table', 'completeness.test', 'write-tables.main'])

/** What the parts list, one file each beside this one. */
export async function listAll(): Promise<Listed[]> {
  const parts = readdirSync(join(TOP, HERE))
    .map(name => name.replace(/\.ts$/, ''))
    .filter(name => !OURS.has(name))
  const lists = await Promise.all(
    parts.map(async part => {
      const { ROWS } = (await import(`./${part}.ts`.replace(/\.ts$/, import.meta.url.slice(-3)))) as {
        ROWS: readonly Row[]
      }
      return ROWS.map(row => ({ ...row, part }))
    }),
  )
  return lists.flat().sort((a, b) => order(a.id) - order(b.id))
}

function order(id: string): number {
  const at = Object.keys(IDS).indexOf(id)
  return at < 0 ? Infinity : at
}

/** What is wrong with the rows, one line each: what is missing, and what is not where a row says. */
export function faultsOf(rows: readonly Listed[]): string[] {
  const known = new Set(rows.map(({ id }) => id))
  const missing = Object.entries(IDS).filter(([id]) => !known.has(id))
  return [
    ...missing.map(([id, name]) => `${id} ${name}: no row says where it is done`),
    ...rows.flatMap(row => faultsOfRow(row).map(fault => `${row.part}: ${row.id}: ${fault}`)),
  ]
}

function faultsOfRow({ id, does, code, test }: Listed): string[] {
  const faults: string[] = []
  if (!Object.hasOwn(IDS, id)) faults.push('nothing was specified under this id')
  if (does.trim().length < 10) faults.push('says nothing of what it does')
  const [path = '', symbol = ''] = code.split('#')
  const source = read(path)
  if (source === undefined) faults.push(`there is no ${path}`)
  else if (!declares(source, symbol)) faults.push(`${path} declares no ${symbol}`)
  const proof = read(test)
  if (proof === undefined) faults.push(`there is no ${test}`)
  else if (!titles(proof).some(title => names(title, id))) faults.push(`no test of ${test} has (${id}) in its title`)
  return faults
}

function read(path: string): string | undefined {
  const file = join(TOP, path)
  return path !== '' && existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

function declares(source: string, symbol: string): boolean {
  if (!/^\w+$/.test(symbol)) return false
  return new RegExp(
    `(?:function\\*?|class|const|let|interface|type)\\s+${symbol}\\b|^  (?:async |static |get )*#?${symbol}\\b.*[({]`,
    'm',
  ).test(source)
}

/** Titles of tests, also of those that are made in a loop. */
function titles(source: string): string[] {
  return [...source.matchAll(/\b(?:test|it|describe)\(\s*(['"`])([\s\S]*?)\1/g)].map(([, , title = '']) => title)
}

/** `… (AC-8, D26)` names both. */
function names(title: string, id: string): boolean {
  return [...title.matchAll(/\(([^()]*)\)/g)].some(([, list = '']) => list.split(/,\s*/).includes(id))
}
