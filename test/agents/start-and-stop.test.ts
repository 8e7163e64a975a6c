import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agents, createTestControlPlane, ROSTER } from '../../agents/index.ts'
import { createSignalbox } from '../../engine/index.ts'
import { eventually } from '../support/eventually.ts'

const CONFIG = { services: { api: { endpoints: [{ id: 'a', url: 'http://127.0.0.1:1' }] } } }
const LINE = / (runs|has stopped|did not stop in \d+ ms and was ended)$/
/** A machine with other work ends a thread that takes its time. */
const SLOW = /did not stop in \d+ ms and was ended$/

const groups = [...new Set(ROSTER.map(({ group }) => group))]
/** Agents in the order they start: that of the roster, a group at a time. */
const inOrder = groups.flatMap(group => ROSTER.filter(each => each.group === group).map(({ name }) => name))

/** What keeps this process alive or could: handles of each kind. */
function handles(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

function moreThan(before: Record<string, number>): string[] {
  return Object.entries(handles()).flatMap(([kind, count]) =>
    count > (before[kind] ?? 0) ? [`${count} of ${kind}`] : [],
  )
}

test('started and stopped a hundred times, all agents run each time, and nothing comes after them (AG-13)', async () => {
  const before = handles()
  for (let time = 0; time < 100; time++) {
    const plane = createTestControlPlane({ seed: time })
    const box = await createSignalbox(CONFIG, { control: plane })
    await plane.advance(200)
    assert.deepEqual(
      plane.control.status().map(({ name, state }) => `${name} ${state}`),
      inOrder.map(name => `${name} running`),
    )
    await box.close()
    // What the store has put off ends by itself; what comes again and again would not.
    assert.ok((await stepsLeft(plane)) <= 2, 'a timer was left behind')
  }
  await eventually('nothing is left', () => moreThan(before).length === 0)
})

/** Steps until nothing is due any more; a timer that comes again and again is never done. */
async function stepsLeft(plane: ReturnType<typeof createTestControlPlane>): Promise<number> {
  let steps = 0
  while (steps < 50 && (await plane.step())) steps++
  return steps
}

test('stepsLeft() and handles() see what is left behind', async () => {
  const plane = createTestControlPlane()
  const box = await createSignalbox(CONFIG, { control: plane })
  assert.equal(await stepsLeft(plane), 50, 'agents that run are never done')
  await box.close()
  const before = handles()
  const timer = setTimeout(() => {}, 60_000)
  assert.equal(moreThan(before).length, 1)
  clearTimeout(timer)
})

test('started and stopped in threads of their own, all agents come and go in order and leave no handle behind (AG-10, AG-13)', async () => {
  const once = async (): Promise<string[]> => {
    const lines: string[] = []
    const log = (_: string, message: string): void =>
      void (LINE.test(message) && lines.push(message.replace(SLOW, 'has stopped')))
    const box = await createSignalbox(CONFIG, { control: agents, log })
    const children = box.control!.status()
    assert.deepEqual(
      children.map(({ name, state, restarts }) => `${name} ${state} ${restarts}`),
      inOrder.map(name => `${name} running 0`),
    )
    assert.equal(new Set(children.map(({ threadId }) => threadId)).size, groups.length)
    await box.close()
    assert.deepEqual([...new Set(children.map(({ threadId }) => threadId > 0))], [true])
    return lines
  }
  const first = await once()
  const threads = first.filter(line => line.endsWith(' runs')).map(line => line.replace(LINE, ''))
  const told = threads.join(' ').match(/[a-z]+-[a-z]+(-[a-z]+)?|predictor/g)
  assert.deepEqual(told, inOrder, 'in the order of the roster, a group at a time')
  const before = handles()
  for (let time = 0; time < 2; time++) {
    assert.deepEqual(await once(), [
      ...threads.map(label => `${label} runs`),
      ...threads.toReversed().map(label => `${label} has stopped`),
    ])
  }
  await eventually(`nothing is left: ${moreThan(before).join(', ')}`, () => moreThan(before).length === 0)
})
