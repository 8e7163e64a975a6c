import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { TOP } from '../../support/source-files.ts'
import { faultsOf, type Listed, listAll } from './inventory.ts'
import { tables } from './table.ts'

test('all that the agents were specified to do has code that does it and a test that proves it', async () => {
  const faults = faultsOf(await listAll())
  assert.ok(faults.length === 0, `\n${faults.join('\n')}\n`)
})

test('a row that leads nowhere is found', async () => {
  const rows = await listAll()
  const wrong = (change: Partial<Listed>): string[] => faultsOf([...rows, { ...rows[0]!, ...change }])
  assert.match(wrong({ id: 'AC-99' }).join(), /AC-99: nothing was specified/)
  assert.match(wrong({ code: 'agents/nowhere.ts#x' }).join(), /there is no agents\/nowhere\.ts/)
  assert.match(wrong({ code: 'agents/roster.ts#NOBODY' }).join(), /agents\/roster\.ts declares no NOBODY/)
  assert.match(wrong({ test: 'test/tidy.test.ts' }).join(), /no test of test\/tidy\.test\.ts has/)
  assert.match(faultsOf(rows.filter(({ id }) => id !== 'AG-11')).join(), /AG-11 metrics collector: no row/)
})

test('the tables of what works are what the rows say', async () => {
  for (const [file, blocks] of Object.entries(tables(await listAll()))) {
    const page = readFileSync(join(TOP, file), 'utf8')
    for (const block of blocks) {
      assert.ok(page.includes(block), `${file} is stale; run node dist/test/agents/inventory/write-tables.main.js`)
    }
  }
})
