import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { pause } from '../../../agents/bridge/clock.ts'
import { InlineSequencer } from '../../../agents/bridge/inline-sequencer.ts'
import { type Registration, Registry } from '../../../agents/bridge/registry.ts'
import type { Store } from '../../../agents/bridge/store.ts'
import { eventually } from '../../support/eventually.ts'
import { startSequencer } from './sequencer-here.ts'
import { VirtualTime } from './virtual-time.ts'

/** Longer than a busy machine stands still. */
const TTL_MS = 3000

function openRegistry(t: TestContext, store: Store): Registry {
  const registry = new Registry(store)
  t.after(() => registry.close())
  return registry
}

const agent = (name: string, more: Partial<Registration> = {}): Registration => ({
  agent: name,
  role: 'health-monitor',
  incarnation: 1,
  capabilities: ['health_monitoring'],
  health: 'healthy',
  ...more,
})

const names = (registry: Registry, ...criteria: Parameters<Registry['discover']>): string[] =>
  registry.discover(...criteria).map(({ agent }) => agent)

/** Looks each 100 ms for ten times as long as a lease. */
async function once(clock: VirtualTime, isSo: () => boolean): Promise<void> {
  for (let looks = 0; looks < TTL_MS / 10; looks++) {
    if (isSo()) return
    await pause(clock, 100)
  }
  assert.fail('it never came to be so')
}

describe('Registry', () => {
  it('shows everybody who is there, by what is looked for', async t => {
    const keeper = await startSequencer(t)
    const [here, there] = [openRegistry(t, keeper.open()), openRegistry(t, keeper.open())]
    here.register(agent('b', { zone: 'z1' }), TTL_MS)
    there.register(agent('a', { zone: 'z2', health: 'degraded' }), TTL_MS)
    there.register(agent('c', { role: 'load-balancer', capabilities: ['load_balancing'] }), TTL_MS)
    for (const registry of [here, there]) await eventually('all are there', () => names(registry).length === 3)
    assert.deepEqual(names(here), ['a', 'b', 'c'])
    assert.deepEqual(names(here, { role: 'health-monitor' }), ['a', 'b'])
    assert.deepEqual(names(here, { capability: 'load_balancing' }), ['c'])
    assert.deepEqual(names(here, { zone: 'z1' }), ['b'])
    assert.deepEqual(names(here, { role: 'health-monitor', health: 'healthy' }), ['b'])
    assert.deepEqual(names(here, { capability: 'nothing' }), [])
  })

  it('shows what an agent says of itself later, and that it has gone', async t => {
    const keeper = await startSequencer(t)
    const [here, there] = [openRegistry(t, keeper.open()), openRegistry(t, keeper.open())]
    const registered = here.register(agent('a'), TTL_MS)
    for (const health of ['degraded', 'failed', 'healthy', 'degraded'] as const) registered.update({ health })
    await eventually('the last is seen', () => names(there, { health: 'degraded' }).length === 1)
    assert.ok(registered.revision > 0)
    await registered.end()
    await eventually('it has gone', () => names(there).length === 0)
    assert.equal(registered.revision, 0)
  })

  it('registers again when the sequencer has died and forgotten everybody (AC-1)', async t => {
    const keeper = await startSequencer(t)
    const registry = openRegistry(t, keeper.open())
    const registered = registry.register(agent('a'), TTL_MS)
    await eventually('it is there', () => registered.revision > 0)
    const before = registered.revision
    await keeper.kill()
    await eventually('it is there again', () => registered.revision > before && names(registry).length === 1)
  })

  it('lets an agent run that cannot be registered, and registers it when it can', async t => {
    const keeper = await startSequencer(t)
    const store = keeper.open({ patienceMs: 50 })
    store.leave()
    const registered = openRegistry(t, store).register(agent('a'), TTL_MS)
    assert.equal(registered.revision, 0)
    // The next sequencer is joined.
    await keeper.kill()
    await eventually('it is there', () => registered.revision > 0)
  })

  it('keeps the place of a later life, whatever an earlier one says', async t => {
    const keeper = await startSequencer(t)
    const [old, young] = [openRegistry(t, keeper.open()), openRegistry(t, keeper.open())]
    const first = old.register(agent('a'), TTL_MS)
    await eventually('the first is there', () => first.revision > 0)
    const second = young.register(agent('a', { incarnation: 2 }), TTL_MS)
    await eventually('the second is there', () => second.revision > first.revision)
    first.update({ health: 'failed' })
    second.update({ health: 'degraded' })
    await eventually('the second is heard', () => names(old, { health: 'degraded' }).length === 1)
    assert.equal(young.discover()[0]?.incarnation, 2)
    await first.end()
    assert.deepEqual(names(young), ['a'])
  })

  it('takes the place of a later life that has gone, as one of an earlier process has', async () => {
    const clock = new VirtualTime()
    const sequencer = new InlineSequencer({ clock, keeps: true })
    const before = sequencer.open()
    const second = new Registry(before, clock).register(agent('a', { incarnation: 2 }), TTL_MS)
    await clock.until(once(clock, () => second.revision > 0))
    // Without a word: its lease goes on until it runs out, while the next process counts its lives from 1 again.
    sequencer.forget(before)
    const registry = new Registry(sequencer.open(), clock)
    const first = registry.register(agent('a'), TTL_MS)
    await clock.until(once(clock, () => names(registry).length === 1))
    assert.deepEqual([first.revision, registry.find('a')?.incarnation], [0, 2])
    await clock.until(once(clock, () => first.revision > 0))
    await clock.until(once(clock, () => registry.find('a')?.incarnation === 1))
    await registry.close()
  })
})
