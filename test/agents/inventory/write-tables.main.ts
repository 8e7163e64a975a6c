import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TOP } from '../../support/source-files.ts'
import { listAll } from './inventory.ts'
import { BEGIN, END, tables } from './table.ts'

/** Puts the tables of what works into the pages they belong to. */
for (const [file, blocks] of Object.entries(tables(await listAll()))) {
  const path = join(TOP, file)
  const page = readFileSync(path, 'utf8')
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END)
  if (from < 0 || to < from) throw new Error(`${file}: write ${BEGIN} and ${END} where the table goes`)
  writeFileSync(path, page.slice(0, from) + blocks.join('\n') + page.slice(to + END.length))
}
