import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAgents, ROSTER } from '../../../../agents/index.ts'
import { TreeRunner } from '../../../../agents/kit/supervision/tree-runner.ts'
import { createSignalbox } from '../../../../engine/index.ts'
import { eventually } from '../../../support/eventually.ts'
import { noRoomForThreads } from '../../../support/no-room.ts'
import { root, thread } from './forest.ts'

const CONFIG = { services: { api: { endpoints: [{ id: 'a', url: 'http://127.0.0.1:1' }] } } }
const ROSTER_OF_ONE = ROSTER.slice(0, 1)

test('an agent whose thread the system has no room for is started again, as after any fault', async t => {
  const lines: string[] = []
  const box = await createSignalbox(CONFIG, {
    control: createAgents({ roster: ROSTER_OF_ONE }),
    log: (level, message, fields) => lines.push(`${level} ${message} ${String(fields?.reason ?? '')}`),
  })
  t.after(() => box.close())
  const room = noRoomForThreads(t)
  await box.control!.kill('health-monitor')
  await eventually('no thread could be made', () => room.refused() > 1)
  room.end()
  await eventually('it runs again', () => box.control!.status()[0]!.state === 'running', 20_000)
  assert.ok(
    lines.some(line => line.includes('Worker initialization failure: EAGAIN')),
    lines.join('\n'),
  )
})

test('close() of agents resolves while there is no room for a thread', async t => {
  const box = await createSignalbox(CONFIG, { control: createAgents({ roster: ROSTER_OF_ONE }), log: () => {} })
  const room = noRoomForThreads(t)
  await box.control!.kill('health-monitor')
  await eventually('no thread could be made', () => room.refused() > 0)
  await box.close()
})

test('a box whose first thread cannot be made says so', async t => {
  noRoomForThreads(t)
  await assert.rejects(createSignalbox(CONFIG, { control: createAgents({ roster: ROSTER_OF_ONE }), log: () => {} }), {
    code: 'SBX_AGENT_FAILED',
    message: /^Cannot start agent health-monitor: Worker initialization failure: EAGAIN/,
  })
})

test('a tree of which an order threw takes the next event', () => {
  let throws = true
  const orders: string[] = []
  const tree = new TreeRunner(root([thread('a')]), {
    nowMs: () => 0,
    dice: () => 0.5,
    later: () => () => {},
    perform({ order }) {
      if (throws) throw new Error('it cannot be done')
      orders.push(order)
    },
  })
  assert.throws(() => tree.take({ event: 'boot' }), { message: 'it cannot be done' })
  throws = false
  tree.take({ event: 'ended', id: 'a', isFault: true, reason: 'it was never there' })
  assert.deepEqual(orders, ['boot-failed', 'closed'])
})
