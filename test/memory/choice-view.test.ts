import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Candidates } from '../../engine/memory/candidates.ts'
import { readTable } from '../../engine/memory/choice-tables.ts'
import { serviceTable } from '../../engine/memory/slots.ts'
import { rowOfTicket } from '../../engine/memory/ticket.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

const POLICY = { policy: { name: 'maglev', size: 101 } }

/** The rows that entries of the table lead to now, one for each member; −1 for a member that is out of reach. */
function reached(candidates: Candidates): number[] {
  const { entries } = candidates.table
  const members = Math.max(...entries) + 1
  return Array.from({ length: members }, (_, member) => candidates.entryRow(entries.indexOf(member)))
}

function tableOf({ region, attachment, service }: TinyWorld) {
  attachment.catchUp()
  return readTable(region, serviceTable(region, attachment.slot, service))
}

test('every member of a table leads to its row', () => {
  const world = tinyWorld({ a: {}, b: { weight: 2 }, c: {} }, POLICY)
  const candidates = world.candidates(Candidates)
  assert.deepEqual(reached(candidates), world.rows())
  assert.deepEqual(Array.from(tableOf(world).tickets, rowOfTicket), world.rows())
  world.close()
})

test('a table that is older than the structure leads to nobody who has left, and knows nobody who has come', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} }, POLICY)
  world.stopBuilding()
  const [a, , c] = world.rows()
  world.remove('b')
  const d = world.add('d')
  const candidates = world.candidates(Candidates)
  assert.deepEqual(reached(candidates), [a, -1, c])
  assert.ok(world.rows().includes(d))
  world.close()
})

test('a table leads to the tenant it was built for, not to the next one of the same row', () => {
  const world = tinyWorld({ a: {}, b: {} }, { ...POLICY, capacity: { rows: 2 } })
  world.stopBuilding()
  const row = world.remove('b')
  world.catchUp()
  assert.equal(world.add('x'), row, 'the row has a new tenant')
  const candidates = world.candidates(Candidates)
  assert.deepEqual(reached(candidates), [world.row('a'), -1])
  world.close()
})

test('an entry of a row outside the window leads to nobody: one table serves every tier', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {}, d: {} }, POLICY)
  const candidates = world.candidates(Candidates)
  const rows = world.rows()
  const list = Int32Array.from([99, ...rows, 99])
  candidates.follow(1, 4, list, serviceTable(world.region, world.attachment.slot, world.service))
  for (let start = 0; start < 4; start++) {
    for (let count = 0; start + count <= 4; count++) {
      candidates.bind(1 + start, count, list)
      assert.deepEqual(
        reached(candidates),
        rows.map((row, at) => (at >= start && at < start + count ? row : -1)),
      )
    }
  }
  world.close()
})

test('what is left of an older list leads to nobody', () => {
  const world = tinyWorld({ a: {}, b: {} }, POLICY)
  const candidates = world.candidates(Candidates)
  const table = serviceTable(world.region, world.attachment.slot, world.service)
  const [a, b] = world.rows()
  candidates.follow(0, 2, Int32Array.of(a, b), table)
  // b stands at place 1 no more, and the list ends before where a stood.
  candidates.follow(1, 1, Int32Array.of(b, a), table)
  assert.deepEqual(reached(candidates), [a, -1])
  candidates.follow(0, 0, Int32Array.of(), table)
  assert.deepEqual(reached(candidates), [-1, -1])
  world.close()
})

test('the table of a member says how strongly it was drawn then', () => {
  const world = tinyWorld({ a: { weight: 1 }, b: { weight: 2.5 } }, POLICY)
  const candidates = world.candidates(Candidates)
  const { table } = candidates
  for (const [member, id] of ['a', 'b'].entries()) {
    assert.equal(table.pullOf(table.entries.indexOf(member)), candidates.pull(world.row(id)))
  }
  world.endpoints.setWeight(world.row('b'), 1)
  assert.ok(table.pullOf(table.entries.indexOf(1)) > candidates.pull(world.row('b')))
  world.close()
})
