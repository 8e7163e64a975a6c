import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAgents, ROSTER, type RosterEntry } from '../../../../agents/index.ts'
import {
  enabledOf,
  type Placement,
  plan,
  type SupervisionOptions,
} from '../../../../agents/kit/supervision/placement.ts'
import type { Spec } from '../../../../agents/kit/supervision/supervision-tree.ts'

const entry = (name: string, more: Partial<RosterEntry> = {}): RosterEntry => {
  return { name, module: `file:///${name}.js`, restart: 'permanent', ...more }
}

/** `group health(thread health, …)`, threads with their agents. */
function drawn(roster: readonly RosterEntry[], placement: Placement, options: SupervisionOptions = {}): string[] {
  const { root, threads } = plan(roster, placement, 1_000, options)
  const draw = (spec: Spec): string => {
    if (spec.kind === 'supervisor') return `${spec.id}(${spec.children.map(draw).join(' ')})`
    return `${spec.id}[${threads
      .find(({ id }) => id === spec.id)!
      .agents.map(({ name }) => name)
      .join(' ')}]`
  }
  return root.children.map(draw)
}

test('grouped: the agents of a group share a thread, and each group has a supervisor of its own', () => {
  assert.deepEqual(drawn(ROSTER, 'grouped'), [
    'group health(health[health-monitor failure-detector])',
    'group prediction(prediction[load-balancer predictor resource-manager topology-optimizer])',
    'group consensus(consensus[consensus-coordinator cluster-orchestrator partition-handler node-discovery metrics-collector configuration-manager])',
  ])
})

test('dedicated: each agent has a thread, and those of a group are given up together', () => {
  assert.deepEqual(drawn(ROSTER, 'dedicated'), [
    'group health(health-monitor[health-monitor] failure-detector[failure-detector])',
    'group prediction(load-balancer[load-balancer] predictor[predictor] resource-manager[resource-manager] topology-optimizer[topology-optimizer])',
    'group consensus(consensus-coordinator[consensus-coordinator] cluster-orchestrator[cluster-orchestrator] partition-handler[partition-handler] node-discovery[node-discovery] metrics-collector[metrics-collector] configuration-manager[configuration-manager])',
  ])
})

test('shared: all agents are in one thread', () => {
  assert.deepEqual(drawn(ROSTER, 'shared'), [`group agents(agents[${ROSTER.map(({ name }) => name).join(' ')}])`])
})

test('an agent that is not permanent, or belongs to another, has a thread of its own however they are placed', () => {
  const roster = [
    entry('a', { group: 'g' }),
    entry('b', { group: 'g', restart: 'transient' }),
    entry('c', { group: 'g', parent: 'a' }),
    entry('d', { group: 'g' }),
  ]
  assert.deepEqual(drawn(roster, 'grouped'), ['group g(g[a d] b[b] c[c])'])
  assert.deepEqual(drawn(roster, 'shared'), ['group agents(agents[a d])', 'group g(b[b] c[c])'])
  const { root } = plan(roster, 'grouped', 1_000, {})
  const [group] = root.children as [Spec & { kind: 'supervisor' }]
  assert.deepEqual(group.children[2], {
    ...{ kind: 'thread', id: 'c', restart: 'permanent', stopMsMax: 1_000 },
    parent: { id: 'g', onDeath: 'stop' },
  })
})

test('under rest-for-one and one-for-all every thread is under one supervisor', () => {
  for (const strategy of ['rest-for-one', 'one-for-all'] as const) {
    const threads = [
      'health[health-monitor failure-detector]',
      'prediction[load-balancer predictor resource-manager topology-optimizer]',
      'consensus[consensus-coordinator cluster-orchestrator partition-handler node-discovery metrics-collector configuration-manager]',
    ]
    assert.deepEqual(drawn(ROSTER, 'grouped', { strategy }), threads)
  }
})

test('options reach every supervisor of the tree', () => {
  const options = { restarts: 7, withinMs: 8_000, backOffMsMax: 9_000, onGiveUp: 'escalate' } as const
  const { root } = plan(ROSTER, 'grouped', 1_000, options)
  const [group] = root.children as [Spec & { kind: 'supervisor' }]
  const { onGiveUp: _, ...numbers } = options
  for (const supervisor of [root, group]) assert.deepEqual({ ...supervisor, ...numbers }, supervisor)
  assert.deepEqual([root.onGiveUp, group.onGiveUp], ['rest', 'escalate'])
})

test('an agent that is not enabled takes those along that do not go on without it', () => {
  const roster = [
    entry('a'),
    entry('s', { parent: 'a' }),
    entry('s2', { parent: 's', onParentDeath: 'stop' }),
    entry('c', { parent: 'a', onParentDeath: 'continue' }),
  ]
  assert.deepEqual(
    enabledOf(roster, () => true),
    roster,
  )
  assert.deepEqual(
    enabledOf(roster, name => name !== 'a'),
    [entry('c')],
  )
})

const REFUSED: [why: string, roster: RosterEntry[], options?: SupervisionOptions][] = [
  ['two agents of one name', [entry('a'), entry('a')]],
  ['a module that is no URL', [entry('a', { module: './a.js' })]],
  ['a parent that comes after it', [entry('a', { parent: 'b' }), entry('b')]],
  ['a policy for the death of nobody', [entry('a', { onParentDeath: 'tell' })]],
  ['a group that is called as another agent', [entry('a'), entry('b', { group: 'a' })]],
  ['a group that is not lower-case words', [entry('a', { group: 'Group A' })]],
  ['a negative number of restarts', [], { restarts: -1 }],
  ['a window of no length', [], { withinMs: 0 }],
  ['escalation to nobody', [], { strategy: 'one-for-all', onGiveUp: 'escalate' }],
]

for (const [why, roster, options] of REFUSED) {
  test(`createAgents() refuses ${why}`, () => {
    assert.throws(() => createAgents({ roster, ...options }), { code: 'SBX_AGENT_INVALID' })
  })
}
