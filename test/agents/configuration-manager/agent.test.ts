import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configurationManager, type State } from '../../../agents/configuration-manager/agent.ts'
import { Stage } from '../stage.ts'

const stage = (): Stage => new Stage(configurationManager, {}, ['a']).start()

const stateOf = (world: Stage): State => world.state as State

test('configuration manager knows the config it starts with, and tells nobody: it is not another', () => {
  const world = stage()
  const [first, ...more] = stateOf(world).history
  assert.deepEqual(
    [first!.version, first!.changes, first!.sinceMs, more.length, world.said],
    [1, [], world.bootMs, 0, []],
  )
})

test('configuration manager tells of each config that is taken: its version, its digest, and what is different', async () => {
  const world = stage()
  await world.advance(700, 100)
  world.reload({ policy: 'random' })
  assert.deepEqual(world.said, ['config.changed'])
  const { version, digest, changes } = world.sent[0]!.data as State['history'][0]
  assert.deepEqual([version, changes], [2, ['service api changed']])
  const [first, second] = stateOf(world).history
  assert.deepEqual(second, { version, digest, changes, sinceMs: world.bootMs + 700 })
  assert.notEqual(digest, first!.digest)
  world.reload({})
  assert.equal(stateOf(world).history.at(-1)!.digest, first!.digest, 'the first again, under another number')
  assert.equal(stateOf(world).history.at(-1)!.version, 3)
})

test('configuration manager keeps the last twenty and no more', () => {
  const world = stage()
  for (let reload = 0; reload < 30; reload++) world.reload({ policy: reload % 2 === 0 ? 'random' : 'round-robin' })
  const versions = stateOf(world).history.map(({ version }) => version)
  // 1 and thirty more.
  assert.deepEqual(
    versions,
    Array.from({ length: 20 }, (_, i) => 12 + i),
  )
})

test('configuration manager goes on with the version in force after a restart, and tells of none', () => {
  const world = stage()
  world.reload({ policy: 'random' })
  const { digest } = stateOf(world).history.at(-1)!
  world.sent.length = 0
  world.start()
  assert.deepEqual(
    stateOf(world).history.map(each => [each.version, each.digest, each.changes]),
    [[2, digest, []]],
  )
  assert.deepEqual(world.sent, [])
})
