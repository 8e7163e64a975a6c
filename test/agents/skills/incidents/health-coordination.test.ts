import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quarantineRequested, verdictsShared } from '../../../../agents/index.ts'
import { voteOn } from '../../../../agents/skills/incidents/quarantine-vote.ts'
import { isBetter, merge, type Verdict } from '../../../../agents/skills/incidents/verdicts.ts'
import { type MonitorNode, monitorNodes } from '../monitor-nodes.ts'

const ask = (id: string, by = 'test') => quarantineRequested.of({ service: 'api', id, reason: 'failed', by })

/** What was proposed on a node, by name, and how it ended. */
function decisions({ told }: MonitorNode, id: string): { proposal: unknown; status: unknown; fence: unknown }[] {
  return told('endpoint.quarantine-decided', id).map(({ proposal, status, fence }) => ({ proposal, status, fence }))
}

test('vote is yes where its own evidence agrees or it has none, no where it has answered or too many are out (SK-19)', () => {
  const known = { health: 'unhealthy', answeredAgoMs: undefined, hasRoom: true, isKnown: true } as const
  const cases: [Parameters<typeof voteOn>[0], string, string][] = [
    [known, 'yes', 'it is unhealthy here too'],
    [{ ...known, health: 'unknown' }, 'yes', 'nothing is known of it here'],
    [{ ...known, answeredAgoMs: 1_999 }, 'no', 'it answered 1999 ms ago'],
    [{ ...known, answeredAgoMs: 2_000 }, 'yes', 'it is unhealthy here too'],
    [{ ...known, hasRoom: false }, 'no', 'too many endpoints of its service are out here'],
    [{ ...known, health: 'healthy' }, 'abstain', 'its checks pass here'],
    [{ ...known, isKnown: false }, 'abstain', 'there is no such endpoint here'],
  ]
  for (const [evidence, ballot, reason] of cases) assert.deepEqual(voteOn(evidence), { ballot, reason })
})

test('a verdict that was seen is believed before one that was told, and of two alike the later (AC-31)', () => {
  const verdict = (isDirect: boolean, atMs: number): Verdict => ({ health: 'healthy', by: 'n', isDirect, atMs })
  assert.equal(isBetter(verdict(true, 1), verdict(false, 9)), true)
  assert.equal(isBetter(verdict(false, 9), verdict(true, 1)), false)
  assert.equal(isBetter(verdict(true, 2), verdict(true, 1)), true)
  assert.equal(isBetter(verdict(true, 1), verdict(true, 2)), false)
  const row = { service: 'api', health: 'unhealthy', by: 'two', isDirect: false, ageMs: 5 } as const
  const own = new Map([['api/mine', verdict(true, 1)]])
  const merged = new Map([['api/seen', verdict(true, 1)]])
  merge(
    merged,
    own,
    [
      { ...row, id: 'mine' },
      { ...row, id: 'seen' },
      { ...row, id: 'other' },
      { ...row, id: 'echo', by: 'me' },
    ],
    'me',
    100,
  )
  assert.deepEqual(
    [...merged].map(([subject, { health, atMs }]) => [subject, health, atMs]),
    [
      ['api/seen', 'healthy', 1],
      ['api/other', 'unhealthy', 95],
    ],
  )
})

test('five monitors that find the same endpoint dead open one proposal, agree once, and all keep it out (SK-19, D29, D14)', async t => {
  const { nodes, advance } = await monitorNodes(t, 5)
  for (const { broken } of nodes) broken.add('e1')
  await advance(3_000)
  // Each finds it by itself, some ms apart.
  for (const { plane, name } of nodes) {
    plane.hear(ask('e1', name))
    await advance(10)
  }
  await advance(2_000)
  const names = new Set<unknown>()
  const fences = new Set<unknown>()
  for (const node of nodes) {
    assert.deepEqual(node.isolated(), ['e1'], node.name)
    assert.equal(node.told('endpoint.quarantined', 'e1').at(-1)!.standing, 'confirmed', node.name)
    for (const { proposal, status, fence } of decisions(node, 'e1')) {
      assert.equal(status, 'accepted')
      names.add(proposal)
      fences.add(fence)
    }
  }
  assert.deepEqual([names.size, fences.size], [1, 1], `${[...names]}`)
})

test('a quarantine that one monitor wants is applied by those that found nothing themselves (D14)', async t => {
  const { nodes, advance } = await monitorNodes(t, 3)
  for (const { broken } of nodes) broken.add('e2')
  await advance(3_000)
  nodes[0].plane.hear(ask('e2'))
  assert.deepEqual(
    nodes.map(({ isolated }) => isolated()),
    [['e2'], [], []],
    'local at first, and at once',
  )
  await advance(1_000)
  assert.deepEqual(
    nodes.map(({ isolated }) => isolated()),
    [['e2'], ['e2'], ['e2']],
  )
  // It is well again: each lets it back by checks of its own.
  for (const { broken } of nodes) broken.delete('e2')
  await advance(2_000)
  assert.deepEqual(
    nodes.map(({ isolated }) => isolated()),
    [[], [], []],
  )
  // Another time of the same endpoint is another proposal.
  for (const { broken } of nodes) broken.add('e2')
  await advance(3_000)
  nodes[1]!.plane.hear(ask('e2'))
  await advance(1_500)
  const proposals = decisions(nodes[0], 'e2').map(({ proposal }) => proposal)
  assert.equal(new Set(proposals).size, 2)
  assert.deepEqual(
    nodes.map(({ isolated }) => isolated()),
    [['e2'], ['e2'], ['e2']],
  )
})

test('a monitor that is outvoted lets the endpoint back (D14)', async t => {
  const { nodes, advance } = await monitorNodes(t, 3)
  nodes[0].broken.add('e1')
  await advance(3_000)
  nodes[0].plane.hear(ask('e1'))
  assert.deepEqual(nodes[0].isolated(), ['e1'])
  // Its checks pass for the two others: both abstain, and one of three is no majority.
  await advance(1_000)
  assert.deepEqual(
    nodes.map(({ isolated }) => isolated()),
    [[], [], []],
  )
  assert.equal(nodes[0].told('endpoint.released', 'e1')[0]!.because, 'outvoted')
})

test('without an answer from the store a quarantine stays local, and ends by itself (D14)', async t => {
  const { nodes, advance, cluster } = await monitorNodes(t, 3, { knobs: { quarantine: { failed: '20s' } } })
  for (const { broken } of nodes) broken.add('e1')
  await advance(3_000)
  cluster.storeDown(600_000)
  nodes[0].plane.hear(ask('e1'))
  await advance(15_000)
  assert.deepEqual(
    nodes.map(({ isolated }) => isolated()),
    [['e1'], [], []],
  )
  assert.deepEqual(
    nodes[0].told('endpoint.quarantined', 'e1').map(({ standing }) => standing),
    ['local'],
  )
  await advance(10_000)
  assert.deepEqual(nodes[0].isolated(), [])
})

test('in the lesser part of a partition a quarantine stays local, and its monitor goes on (D14)', async t => {
  const { nodes, advance, cluster } = await monitorNodes(t, 5, { beside: ['partition-handler'] })
  const lesser = nodes[3]!
  cluster.partition([
    ['a', 'b', 'c'],
    ['d', 'e'],
  ])
  await advance(12_000)
  lesser.broken.add('e1')
  await advance(3_000)
  lesser.plane.hear(ask('e1'))
  await advance(3_000)
  assert.deepEqual(
    decisions(lesser, 'e1').map(({ status }) => status),
    ['unknown'],
  )
  assert.deepEqual(
    lesser.told('endpoint.quarantined', 'e1').map(({ standing }) => standing),
    ['local'],
  )
  assert.deepEqual(
    lesser.plane.control.status().map(({ name, restarts }) => `${name} ${restarts}`),
    ['health-monitor 0', 'failure-detector 0', 'partition-handler 0'],
  )
})

test('monitors share verdicts that change, and say which of them they saw themselves (AC-31, SK-19)', async t => {
  const { nodes, advance } = await monitorNodes(t, 2)
  const [one, two] = nodes as unknown as [MonitorNode, MonitorNode]
  one.broken.add('e3')
  await advance(5_000)
  interface Shared {
    readonly source: string
    readonly data: { readonly rows: readonly { id: string; health: string; isDirect: boolean }[] }
  }
  const shared = ({ plane }: MonitorNode): Shared[] =>
    plane.journal
      .toJsonl()
      .split('\n')
      .filter(line => line.includes(`"${verdictsShared.type}"`))
      .map(line => (JSON.parse(line) as { signal: Shared }).signal)
  assert.deepEqual(
    shared(one).flatMap(({ data }) => data.rows.map(({ id, health, isDirect }) => [id, health, isDirect])),
    [['e3', 'unhealthy', true]],
  )
  assert.deepEqual(
    shared(two).map(({ source }) => source),
    [`/signalbox/nodes/${one.name}/agents/health-monitor`],
    'it has heard, and has nothing to say of its own',
  )
  // Until its next heartbeat, by which it reports.
  await advance(6_000)
  const { coordination } = (two.plane.control.report!('health-monitor') as Reported).localState.skills
  assert.deepEqual(
    coordination.others.map(([subject, { health, isDirect }]) => [subject, health, isDirect]),
    [['api/e3', 'unhealthy', true]],
  )
  assert.deepEqual(two.isolated(), [], 'what another says bars nobody')
})

interface Reported {
  readonly localState: {
    readonly skills: {
      readonly coordination: { readonly others: readonly [string, { health: string; isDirect: boolean }][] }
    }
  }
}
