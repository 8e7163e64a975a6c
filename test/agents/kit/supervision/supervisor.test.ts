import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type AgentsOptions, createAgents, ROSTER, type RosterEntry } from '../../../../agents/index.ts'
import { type AgentStatus, type Box, createSignalbox, type Log } from '../../../../engine/index.ts'
import { SEAT_THREAD } from '../../../../engine/memory/layout.ts'
import type { Region } from '../../../../engine/memory/region.ts'
import { seatWord } from '../../../../engine/memory/seats.ts'
import { eventually } from '../../../support/eventually.ts'

const CONFIG = {
  services: {
    api: {
      endpoints: [
        { id: 'a', url: 'http://127.0.0.1:1' },
        { id: 'b', url: 'http://127.0.0.1:2' },
      ],
    },
  },
}

/** The roster with a fault built into each agent, see faulty.ts. */
function faulty(fault: string, roster: readonly RosterEntry[] = ROSTER): RosterEntry[] {
  return roster.map(entry => {
    const url = new URL('../../faulty.js', import.meta.url)
    url.search = `agent=${encodeURIComponent(entry.module)}&fault=${fault}`
    return { ...entry, module: url.href }
  })
}

/** A box with these agents; `lines` is its log, but for what agents say of themselves where the machine is slow. */
async function boxOf(t: TestContext, roster: readonly RosterEntry[], config: object = {}, options: AgentsOptions = {}) {
  const lines: string[] = []
  const log: Log = (level, message, fields) => {
    if (message.startsWith('agent status-changed')) return
    lines.push(`${level} ${message} ${String(fields?.reason ?? '')}`.trim())
  }
  const box = await createSignalbox({ ...CONFIG, ...config }, { control: createAgents({ roster, ...options }), log })
  t.after(() => box.close())
  const status = (name: string): AgentStatus => box.control!.status().find(agent => agent.name === name)!
  return { box, lines, status }
}

/** Picks and settles until the function returned is called, which says how many picks there were and how many failed. */
function picking(box: Box): () => { picks: number; failed: number } {
  const router = box.router('api')
  let picks = 0
  let failed = 0
  const timer = setInterval(() => {
    for (let i = 0; i < 10; i++) {
      const ticket = router.pick()
      picks++
      if (ticket < 0) failed++
      else router.settle(ticket, 'ok', 100)
    }
  }, 1)
  return () => {
    clearInterval(timer)
    return { picks, failed }
  }
}

const isTaken = (region: Region, seat: number): boolean => region.words[seatWord(region, seat, SEAT_THREAD)] !== 0

/** Not what agents have told each other meanwhile. */
const isOfThreads = (line: string): boolean => /^\w+ (agent|thread) /.test(line)

/** The threads of the roster as the log knows them, in the order they start. */
const THREADS = [
  'thread health (health-monitor, failure-detector)',
  'thread prediction (load-balancer, predictor, resource-manager, topology-optimizer)',
  'thread consensus (consensus-coordinator, cluster-orchestrator, partition-handler, node-discovery, metrics-collector, configuration-manager)',
]

test('every thread of the roster starts in order, beats, and stops in reverse order', async t => {
  const { box, lines, status } = await boxOf(t, ROSTER)
  assert.deepEqual(
    lines.filter(isOfThreads),
    THREADS.map(label => `debug ${label} runs`),
  )
  for (const { name } of ROSTER) {
    const { state, incarnation, restarts, threadId, lastError } = status(name)
    assert.deepEqual(
      { state, incarnation, restarts, lastError },
      { state: 'running', incarnation: 1, restarts: 0, lastError: null },
    )
    assert.ok(threadId > 0)
    const { handled } = status(name)
    await eventually(
      `${name} beats and deals with signals`,
      () => status(name).handled > handled || name === 'failure-detector',
    )
    await eventually(`${name} has beaten lately`, () => status(name).heartbeatAgeMs < 500)
    assert.ok(status(name).heapBytes > 1_000_000, `${status(name).heapBytes}`)
  }
  await box.close()
  assert.deepEqual(
    lines.filter(isOfThreads).slice(THREADS.length),
    THREADS.toReversed().map(label => `debug ${label} has stopped`),
  )
  assert.deepEqual(
    box.control!.status().map(({ state, threadId }) => [state, threadId]),
    ROSTER.map(() => ['stopped', -1]),
  )
})

const GROUPS = ROSTER.map(({ group }) => group!)

const PLACED: [threads: string, groups: string[]][] = [
  ['grouped', GROUPS],
  ['dedicated', GROUPS],
  ['shared', ROSTER.map(() => 'agents')],
]

for (const [threads, groups] of PLACED) {
  test(`agents are ${threads} in threads where the config says so`, async t => {
    const { box } = await boxOf(t, ROSTER, { agents: { threads } })
    const status = box.control!.status()
    assert.deepEqual(
      status.map(({ group }) => group),
      groups,
    )
    const threadOf = (name: string): number => status.find(each => each.name === name)!.threadId
    assert.equal(threadOf('health-monitor') === threadOf('failure-detector'), threads !== 'dedicated')
    assert.equal(threadOf('failure-detector') === threadOf('load-balancer'), threads === 'shared')
    assert.equal(threadOf('metrics-collector') === threadOf('configuration-manager'), threads !== 'dedicated')
    assert.equal(threadOf('load-balancer') === threadOf('metrics-collector'), threads === 'shared')
    await box.control!.kill('failure-detector')
    const isBack = (): boolean => box.control!.status().every(({ state }) => state === 'running')
    await eventually('all run again', isBack, 60_000)
    assert.deepEqual(
      box.control!.status().map(({ restarts }) => restarts),
      [threads === 'dedicated' ? 0 : 1, 1, ...Array(ROSTER.length - 2).fill(threads === 'shared' ? 1 : 0)],
    )
  })
}

/** One of each kind: a thread that ends, one that hangs, one that grows. The drill has all there are. */
const FAULTS: [fault: string, reason: RegExp, what: string][] = [
  ['throw', /^a fault of the test$/, 'throws'],
  ['loop', /^its event loop has stood still for \d+ ms$/, 'loops without end'],
  ['heap', /^its memory has grown to \d+ MiB of 144$/, 'fills its heap'],
]

for (const [fault, reason, what] of FAULTS) {
  test(`every agent of the roster that ${what} is restarted, and picks go on meanwhile`, async t => {
    const { box, status } = await boxOf(t, faulty(fault))
    const end = picking(box)
    for (const { name } of ROSTER) {
      await eventually(
        `${name} runs again`,
        () => status(name).incarnation === 2 && status(name).state === 'running',
        30_000,
      )
      assert.equal(status(name).restarts, 1)
      assert.match(status(name).lastError!, reason)
      await eventually(`${name} beats`, () => status(name).heartbeatAgeMs < 500)
    }
    const { picks, failed } = end()
    assert.ok(picks > 0)
    assert.equal(failed, 0)
    // The main thread and those that live hold a seat each; the dead ones gave theirs back.
    const { region } = box.attachment
    const taken = (): number => [...Array(region.layout.seats).keys()].filter(seat => isTaken(region, seat)).length
    await eventually('the seats of the dead are given back', () => taken() === 1 + THREADS.length)
  })
}

test('an agent that keeps failing rests, which is logged as fatal, and routing goes on', async t => {
  const [entry] = faulty('throw&always', ROSTER.slice(0, 1))
  const { box, lines, status } = await boxOf(t, [entry!, ...ROSTER.slice(1)])
  const end = picking(box)
  await eventually('it rests', () => status('health-monitor').state === 'failed')
  assert.equal(status('health-monitor').incarnation, 4, 'the first and three restarts')
  assert.equal(status('failure-detector').state, 'failed', 'it shares the thread')
  const fatal =
    /^fatal group health keeps failing and rests for (8|9|10|11|12) s; routing goes on with the last tables a fault of the test$/
  assert.ok(
    lines.some(line => fatal.test(line)),
    lines.join('\n'),
  )
  assert.equal(status('load-balancer').state, 'running')
  assert.equal(end().failed, 0)
  await box.close()
})

test('an agent that cannot be started stops those before it, and says which it is and why', async () => {
  const lines: string[] = []
  const roster: RosterEntry[] = [ROSTER[0]!, { name: 'lost', module: 'file:///nowhere/lost.js', restart: 'permanent' }]
  await assert.rejects(
    createSignalbox(CONFIG, { control: createAgents({ roster }), log: (_, message) => lines.push(message) }),
    { code: 'SBX_AGENT_FAILED', message: /^Cannot start agent lost: Cannot find module/ },
  )
  assert.deepEqual(lines, ['agent health-monitor runs', 'agent health-monitor has stopped'])
})

test('a module that exports another agent than the roster says is refused', async () => {
  const roster: RosterEntry[] = [{ ...ROSTER[0]!, name: 'somebody-else' }]
  await assert.rejects(createSignalbox(CONFIG, { control: createAgents({ roster }) }), {
    code: 'SBX_AGENT_FAILED',
    message: /^Cannot start agent somebody-else: .*does not export it as its default/,
  })
})

test('a temporary agent is not restarted, a transient one only after a fault', async t => {
  const [health, failure] = ROSTER
  const { status } = await boxOf(t, [
    ...faulty('throw', [{ ...health!, restart: 'temporary' }]),
    ...faulty('throw', [{ ...failure!, restart: 'transient' }]),
  ])
  await eventually('the temporary one is down', () => status('health-monitor').state === 'stopped')
  await eventually('the transient one runs again', () => status('failure-detector').incarnation === 2)
  assert.equal(status('health-monitor').incarnation, 1)
})

test('close() ends an agent that does not stop by itself', async t => {
  const { box, lines } = await boxOf(t, faulty('loop', ROSTER.slice(0, 1)))
  await eventually('it loops', () => box.control!.status()[0]!.heartbeatAgeMs > 200)
  await box.close()
  assert.ok(lines.includes('warn agent health-monitor did not stop in 1000 ms and was ended'), lines.join('\n'))
})

test('kill() of an agent that is not there throws SBX_AGENT_UNKNOWN and names those that are', async t => {
  const { box } = await boxOf(t, ROSTER.slice(0, 1))
  await assert.rejects(box.control!.kill('health-moniter'), {
    code: 'SBX_AGENT_UNKNOWN',
    message: 'Cannot kill agent "health-moniter": it does not run here, use one of health-monitor',
  })
})

test('an agent that the config disables is not started', async t => {
  const { box } = await boxOf(t, ROSTER, { agents: { 'health-monitor': { enabled: false } } })
  assert.deepEqual(
    box.control!.status().map(({ name }) => name),
    ROSTER.slice(1).map(({ name }) => name),
  )
})

test('an agent whose parent is killed stops until it is back, or goes on, and is told where it wants to be', async t => {
  const orphan = (name: string, onParentDeath: RosterEntry['onParentDeath']): RosterEntry => {
    const url = new URL(`../../orphan-agent.js?name=${name}`, import.meta.url)
    return { name, module: url.href, restart: 'permanent', parent: 'health-monitor', onParentDeath }
  }
  const roster = [...ROSTER, orphan('stops', 'stop'), orphan('stays', 'continue'), orphan('knows', 'tell')]
  const { box, lines, status } = await boxOf(t, roster)
  await box.control!.kill('health-monitor')
  await eventually('who stops with it is back with it', () => status('stops').incarnation === 2)
  await eventually('all run', () => box.control!.status().every(({ state }) => state === 'running'))
  assert.deepEqual([status('stays').incarnation, status('knows').incarnation], [1, 1])
  const health = THREADS[0]
  for (const name of ['stays', 'knows']) assert.ok(lines.includes(`warn agent ${name} goes on without ${health}`))
  await eventually('who wants to know was told', () => lines.includes('info test orphaned'))
  assert.equal(lines.filter(line => line === 'info test orphaned').length, 1)
})

test('under one-for-all a killed agent takes all threads along, in reverse order of start', async t => {
  const { box, lines } = await boxOf(t, ROSTER, {}, { strategy: 'one-for-all', threads: 'dedicated' })
  lines.length = 0
  await box.control!.kill('health-monitor')
  await eventually(
    'all run again',
    () => box.control!.status().every(each => each.incarnation === 2 && each.state === 'running'),
    60_000,
  )
  const agents = ROSTER.map(({ name }) => `agent ${name}`)
  assert.deepEqual(lines.filter(isOfThreads), [
    `warn ${agents[0]} is restarted it was killed`,
    ...agents
      .slice(1)
      .toReversed()
      .map(label => `debug ${label} has stopped`),
    ...agents.map(label => `info ${label} runs`),
  ])
})

test('with the fast profile an agent that hangs is back from a spare thread (D37)', async t => {
  const { box, lines, status } = await boxOf(t, faulty('loop', ROSTER.slice(0, 1)), { agents: { supervision: 'fast' } })
  await eventually(
    'it runs again',
    () => status('health-monitor').incarnation === 2 && status('health-monitor').state === 'running',
  )
  assert.match(status('health-monitor').lastError!, /^its event loop has stood still for \d+ ms$/)
  await box.close()
  // It has 50 ms for that.
  assert.match(
    lines.at(-1)!,
    /^debug agent health-monitor has stopped$|^warn agent health-monitor did not stop in 50 ms/,
  )
})

test('reload() of a box: agents go on with the config in their threads, and one that cannot is started anew with it', async t => {
  const plain = {
    name: 'plain',
    module: new URL('../../plain-agent.js', import.meta.url).href,
    restart: 'permanent' as const,
  }
  const { box, lines, status } = await boxOf(t, [...ROSTER, plain])
  const threads = ROSTER.map(({ name }) => status(name).threadId)
  const endpoints = [{ id: 'a', url: 'http://127.0.0.1:1' }]
  // Nobody listens there: the endpoint is unhealthy once it is checked.
  const healthCheck = { interval: '20ms', timeout: '100ms' }
  await box.reload({ services: { api: { endpoints, healthCheck } } })
  await eventually('it is checked', () => box.explain('api').endpoints[0]!.health === 'unhealthy')
  assert.deepEqual(
    ROSTER.map(({ name }) => status(name).threadId),
    threads,
  )
  await eventually('it runs again', () => status('plain').state === 'running' && status('plain').restarts === 1)
  assert.ok(
    lines.some(line => line === 'info agent plain is started anew it is to start with another config'),
    lines.join('\n'),
  )
  await box.control!.kill('health-monitor')
  await eventually('it is back', () => status('health-monitor').state === 'running')
  await box.reload({ services: { api: { endpoints } } })
  await eventually('the next incarnation follows, too', () => box.explain('api').endpoints[0]!.health === 'unknown')
})

test('reload() refuses another way to share threads, or to watch them: they are as they were started', async t => {
  const { box } = await boxOf(t, ROSTER.slice(0, 1))
  for (const agents of [{ threads: 'shared' }, { supervision: 'fast' }] as const) {
    await assert.rejects(box.reload({ ...CONFIG, agents }), {
      code: 'SBX_CONFIG_FIXED',
      message: /agents\.(threads|supervision): agents begin and end with the process; restart it/,
    })
  }
})
