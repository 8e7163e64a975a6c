import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { request } from 'undici'
import { agents, ROSTER } from '../../../agents/index.ts'
import type { AgentReport } from '../../../agents/kit/member/status.ts'
import { openTables } from '../../../engine/box/box.ts'
import { validateConfig } from '../../../engine/config/load.ts'
import { type Box, type Control, createSignalbox } from '../../../engine/index.ts'
import { startProxy } from '../../../engine/proxy/proxy.ts'
import { eventually } from '../../support/eventually.ts'

const configOf = (body: string) => ({
  listen: '127.0.0.1:0',
  workers: 2,
  services: { api: { endpoints: [{ id: 'a', url: 'http://127.0.0.1:1' }] } },
  routes: [{ match: { path: '/' }, respond: { body } }],
})

async function boxOf(t: TestContext): Promise<Box> {
  const box = await createSignalbox(configOf('one'), { control: agents })
  t.after(() => box.close())
  return box
}

const reportOf = (box: Box, name: string): AgentReport => box.control!.report!(name) as AgentReport

const versionsOf = (box: Box): number[] => ROSTER.map(({ name }) => reportOf(box, name)?.clusteringConfig.configVersion)

const allAt = (box: Box, version: number): boolean => versionsOf(box).every(each => each === version)

interface Shown {
  version: number
  digest: string
  history: { version: number; changes: string[] }[]
}
const shownOf = (box: Box): Shown => reportOf(box, 'configuration-manager').localState as Shown

test('a reload reaches every thread of proxy and agents; each agent says which version it works with (AG-12)', async t => {
  const box = await boxOf(t)
  const proxy = await startProxy(box)
  t.after(() => proxy.close())
  const url = `http://127.0.0.1:${proxy.addresses[0]!.port}/`
  await eventually('all have reported', () => allAt(box, 1))
  const before = performance.now()
  assert.equal((await box.reload(configOf('two'))).generation, 2)
  const proxyMs = performance.now() - before
  // Each on a connection of its own: both threads get some.
  const bodies = await Promise.all(
    Array.from({ length: 24 }, async () => (await request(url, { reset: true })).body.text()),
  )
  assert.deepEqual([...new Set(bodies)], ['two'])
  await eventually('every agent says so', () => allAt(box, 2))
  t.diagnostic(
    `proxy threads after ${proxyMs.toFixed(0)} ms, agents known to within ${(performance.now() - before).toFixed(0)} ms`,
  )
  assert.deepEqual(shownOf(box).history.at(-1)!.changes, ['routes changed'])
})

test('a config that is refused leaves the version as it is, for the box and for every agent', async t => {
  const box = await boxOf(t)
  const heard: string[] = []
  box.control!.hear!({ types: ['signalbox.config.changed'] }, ({ json }) => void heard.push(json))
  await box.reload(configOf('two'))
  await eventually('every agent works with it', () => allAt(box, 2))
  const { digest } = shownOf(box)
  for (const bad of [
    { ...configOf('three'), services: { api: { policy: 'no-policy' } } },
    { ...configOf('three'), agents: { threads: 'shared' } },
    '/nowhere/signalbox.yaml',
  ]) {
    await assert.rejects(box.reload(bad as never))
  }
  assert.deepEqual([box.configStatus().generation, box.configStatus().reloads.refused], [2, 3])
  // A good one after them is the next: none of them was counted in between.
  await box.reload(configOf('four'))
  await eventually('every agent works with the next', () => allAt(box, 3))
  assert.deepEqual(
    shownOf(box).history.map(({ version }) => version),
    [1, 2, 3],
  )
  assert.notEqual(shownOf(box).digest, digest)
  await eventually('two changes were heard', () => heard.length === 2)
  assert.deepEqual(
    heard.map(json => JSON.parse(json).data.version),
    [2, 3],
  )
})

test('an agent that was restarted works with the version in force', async t => {
  const box = await boxOf(t)
  await box.reload(configOf('two'))
  await eventually('every agent works with it', () => allAt(box, 2))
  await box.control!.kill('configuration-manager')
  await eventually('it is back', () => {
    const { clusterNode, clusteringConfig, localState } = reportOf(box, 'configuration-manager')
    return clusterNode.incarnation === 2 && clusteringConfig.configVersion === 2 && localState !== null
  })
  assert.deepEqual(
    shownOf(box).history.map(({ version }) => version),
    [2],
  )
})

test('a config that is taken while the control plane starts reaches it as soon as it runs', async t => {
  const told: string[] = []
  const slow: Control = {
    async start({ configVersion }) {
      told.push(`starts with ${configVersion}`)
      await eventually('the box has another', () => reloaded !== undefined)
      await reloaded
      return {
        ...{ status: () => [], close: async () => {}, kill: async () => {} },
        reload: (_, version) => void told.push(`reloads ${version}`),
      }
    },
  }
  let reloaded: Promise<unknown> | undefined
  const box = await openTables(validateConfig(configOf('one') as never), { control: slow })
  t.after(() => box.close())
  const starting = box.startControl()
  reloaded = box.reload(configOf('two'))
  await starting
  assert.deepEqual(told, ['starts with 1', 'reloads 2'])
})
