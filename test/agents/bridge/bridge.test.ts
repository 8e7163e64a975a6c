import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Bridge, type BridgeOptions, type Motion } from '../../../agents/bridge/bridge.ts'
import { type BridgeClock, pause } from '../../../agents/bridge/clock.ts'
import type { Leadership } from '../../../agents/bridge/election.ts'
import type { EmbeddedStore } from '../../../agents/bridge/embedded-store.ts'
import { InlineSequencer } from '../../../agents/bridge/inline-sequencer.ts'
import type { Clock } from '../../../agents/kit/clock.ts'
import { broken } from './borne-out.ts'
import { startSequencer } from './sequencer-here.ts'
import { VirtualTime } from './virtual-time.ts'

const NAMES = ['a', 'b', 'c']
const ABOUT = { role: 'health-monitor', capabilities: ['health_monitoring'], health: 'healthy' } as const

const yes = (): { ballot: 'yes'; reason: string } => ({ ballot: 'yes', reason: '' })

/** The compiler sees that the clock of agents is one for the bridge. */
const asAgentsHaveIt = (clock: Pick<Clock, 'now' | 'later'>): BridgeClock => clock

const motionOf = (more: Partial<Motion> = {}): Motion => ({
  ...{ type: 'quarantine', subject: 'e0', episode: 1, payload: null },
  ...more,
})

interface Seat {
  readonly store: EmbeddedStore
  readonly bridge: Bridge
}

/** Agents that all know each other. */
async function town(more: Partial<BridgeOptions> = {}, names: readonly string[] = NAMES) {
  const time = new VirtualTime()
  const sequencer = new InlineSequencer({ clock: time, keeps: true })
  const move = (agent: string, incarnation = 1): Seat => {
    const store = sequencer.open({ patienceMs: 100 })
    const bridge = new Bridge(store, { agent, incarnation, vote: yes, clock: time, roundMsMin: 100, ...more })
    bridge.register(ABOUT)
    return { store, bridge }
  }
  const seats = names.map(name => move(name))
  await time.until(pause(time, 100))
  return { time, sequencer, seats, bridges: seats.map(({ bridge }) => bridge), move }
}

describe('Bridge', () => {
  it('finds who is there, by what is looked for and by what they can do', async () => {
    const { bridges } = await town()
    const found = bridges[0].discover({ role: 'health-monitor' }).map(({ agent }) => agent)
    assert.deepEqual(found, NAMES)
    assert.equal(bridges[1].findByCapability('health_monitoring').length, 3)
    assert.deepEqual(bridges[1].findByCapability('nothing'), [])
  })

  it('returns a reference at once, and by it the same decision to all', async () => {
    const { time, bridges } = await town()
    const references = bridges.map(bridge => bridge.startConsensus(NAMES, motionOf(), 5000))
    assert.equal(new Set(references).size, 1)
    const results = await time.until(Promise.all(bridges.map(bridge => bridge.result(references[0]))))
    assert.equal(results[0].status, 'accepted')
    for (const result of results) assert.deepEqual(result, results[0])
  })

  it('asks nobody where too few are there', async () => {
    const { bridges } = await town()
    assert.throws(() => bridges[0].startConsensus([], motionOf(), 1000), {
      code: 'SBX_PARTICIPANTS_INSUFFICIENT',
      message: 'Cannot ask for consensus: nobody is named, name one at least',
    })
    assert.throws(() => bridges[0].startConsensus(['a', 'y', 'z'], motionOf(), 1000), {
      code: 'SBX_PARTICIPANTS_INSUFFICIENT',
      message: 'Cannot ask for consensus: y, z not registered, name those that are discovered',
    })
    assert.throws(() => bridges[0].startConsensus(['a'], motionOf(), 0), { code: 'SBX_AGENT_INVALID' })
    await assert.rejects(bridges[0].barrier('x', [], { episode: 1, timeoutMs: 1 }), {
      code: 'SBX_PARTICIPANTS_INSUFFICIENT',
    })
    await assert.rejects(bridges[0].auction(['z'], { subject: 'x', episode: 1, reserve: 1 }), {
      code: 'SBX_PARTICIPANTS_INSUFFICIENT',
    })
  })

  it('fixes the lives that vote: one that came back after does not', async () => {
    const { time, bridges, seats, move } = await town()
    seats[1].store.leave()
    seats[2].store.leave()
    const reference = bridges[0].startConsensus(NAMES, motionOf(), 2000)
    const next = move('b', 2)
    const { status, votes } = await time.until(bridges[0].result(reference))
    assert.deepEqual([status, votes], ['expired', { a: 'yes' }])
    await time.until(pause(time, 5000))
    assert.deepEqual(
      bridges[0].discover().map(({ agent, incarnation }) => [agent, incarnation]),
      [
        ['a', 1],
        ['b', 2],
      ],
    )
    const again = next.bridge.startConsensus(['a', 'b'], motionOf({ episode: 2 }), 2000)
    assert.equal((await time.until(next.bridge.result(again))).status, 'accepted')
  })

  it('rejects, expires, and says unknown where the store is silent', async () => {
    const { time, bridges, sequencer } = await town({ vote: () => ({ ballot: 'no', reason: '' }) })
    const rejected = bridges[0].startConsensus(NAMES, motionOf(), 1000)
    assert.equal((await time.until(bridges[0].result(rejected))).status, 'rejected')
    sequencer.close()
    const unknown = bridges[0].startConsensus(NAMES, motionOf({ episode: 2 }), 1000)
    assert.deepEqual(await time.until(bridges[0].result(unknown)), { status: 'unknown', fence: 0, votes: {} })
    const { isReachable, term } = await time.until(bridges[0].status())
    assert.deepEqual([isReachable, term], [false, undefined])
  })

  it('shows what is under way, what this agent has a vote in, and for how long', async () => {
    const { time, bridges, seats } = await town()
    for (const { store } of seats.slice(1)) store.leave()
    bridges[0].startConsensus(NAMES, motionOf(), 10_000)
    await time.until(pause(time, 400))
    bridges[0].startConsensus(['b', 'c'], motionOf({ episode: 2 }), 10_000)
    await time.until(pause(time, 600))
    const { isReachable, term, open, oldestMs } = await time.until(bridges[0].status())
    assert.deepEqual([isReachable, term, open], [true, 0, 2])
    assert.ok(oldestMs >= 1000 && oldestMs < 1050)
    const shown = bridges[0].participation().map(({ proposal, hasVoted }) => [proposal.episode, hasVoted])
    assert.deepEqual(shown, [[1, true]])
    await time.until(pause(time, 11_000))
    assert.equal((await time.until(bridges[0].status())).open, 0)
    assert.deepEqual(bridges[0].participation(), [])
  })

  it('shows 256 of the proposals that wait for it', async () => {
    const { time, bridges, seats } = await town({}, ['a', 'b'])
    seats[1].store.leave()
    for (let i = 0; i < 300; i++) bridges[0].startConsensus(['a', 'b'], motionOf({ subject: `e${i}` }), 10_000)
    await time.until(pause(time, 100))
    assert.equal(bridges[0].participation().length, 256)
    assert.equal(bridges[0].participation()[0].proposal.subject, 'e0')
  })

  it('has one lead, then another with a higher fence, whose elder is refused by then', async () => {
    const { time, bridges, seats } = await town()
    const terms: Leadership[] = []
    const elections = bridges.map(bridge => bridge.lead('orchestrator', term => void terms.push(term)))
    await time.until(pause(time, 100))
    assert.equal(terms.length, 1)
    const leader = NAMES.indexOf(elections[0].leader?.candidate ?? '')
    seats[leader].store.leave()
    assert.equal(terms[0].isHeld, false)
    await time.until(pause(time, 4000))
    const [elder, younger] = terms
    assert.ok(younger.isHeld && younger.fence > elder.fence)
    const { fences } = bridges[0]
    assert.ok(fences.admit('role', elder.fence) && fences.admit('role', younger.fence))
    assert.equal(fences.admit('role', elder.fence), false)
  })

  it('meets at a barrier, also with one that is not there yet', async () => {
    const { time, bridges, move } = await town({}, ['a', 'b'])
    const when = { episode: 1, timeoutMs: 5000 }
    const waiting = bridges.map(bridge => bridge.barrier('start', NAMES, when))
    await time.until(pause(time, 500))
    assert.equal((await time.until(bridges[0].status())).open, 1)
    const results = await time.until(Promise.all([...waiting, move('c').bridge.barrier('start', NAMES, when)]))
    assert.deepEqual(
      results.map(({ status }) => status),
      ['passed', 'passed', 'passed'],
    )
  })

  it('grants capacity to the lowest cost, by as many as join', async () => {
    let cost = 40
    const awards: string[] = []
    const { time, bridges } = await town({
      bid: () => (cost -= 10),
      onAward: (_tender, { winner }) => void awards.push(String(winner)),
    })
    const what = { subject: 'capacity of api', episode: 1, reserve: 100 }
    const results = await time.until(Promise.all(bridges.map(bridge => bridge.auction(NAMES, what))))
    for (const result of results) assert.deepEqual(result, results[0])
    // Bids are 30, 20 and 10.
    assert.deepEqual([results[0].status, results[0].price, awards.length], ['awarded', 20, 3])
    assert.deepEqual(new Set(awards), new Set([results[0].winner]))
    await assert.rejects(bridges[0].auction(NAMES, { ...what, episode: 2, roundMs: 99 }), { code: 'SBX_AGENT_INVALID' })
  })

  it('leaves nothing behind when it is closed: who waits is told, its role and its place are free', async () => {
    const { time, bridges } = await town()
    bridges[0].lead('orchestrator', () => {})
    const waiting = bridges[0].result('0123456789abcdef', 60_000)
    await time.until(pause(time, 100))
    await time.until(bridges[0].close())
    assert.equal((await waiting).status, 'unknown')
    await time.until(pause(time, 10))
    assert.deepEqual(
      bridges[1].discover().map(({ agent }) => agent),
      ['b', 'c'],
    )
    let leads = 0
    bridges[1].lead('orchestrator', () => void leads++)
    await time.until(pause(time, 100))
    assert.equal(leads, 1)
    assert.equal((await bridges[0].result('0123456789abcdef', 1)).status, 'unknown')
  })

  it('writes no decision into a store that has forgotten what it was about', async () => {
    const time = new VirtualTime()
    const sequencer = new InlineSequencer({ clock: time })
    const through = sequencer.open({ patienceMs: 100 })
    let deaths = 0
    let lists = 0
    // It dies when it is to be told the decision; what is there then is learned late.
    const dying = broken(through, {
      async list(prefix) {
        if (prefix === 'consensus/' && deaths > 0 && lists++ < 20) throw new Error('it is silent')
        return through.list(prefix)
      },
      create(key, value, lease) {
        if (key.startsWith('consensus/d/') && deaths++ === 0) sequencer.kill(50)
        return through.create(key, value, lease)
      },
    })
    const bridge = new Bridge(dying, { agent: 'a', incarnation: 1, vote: yes, clock: time })
    bridge.register(ABOUT)
    await time.until(pause(time, 100))
    const reference = bridge.startConsensus(['a'], motionOf(), 5000)
    assert.equal((await time.until(bridge.result(reference))).status, 'unknown')
    await time.until(pause(time, 10_000))
    assert.equal(deaths, 1)
    assert.deepEqual((await sequencer.open().list('consensus/')).entries, [])
    // The same can be proposed again, and is decided there.
    bridge.startConsensus(['a'], motionOf(), 5000)
    const { status, fence } = await time.until(bridge.result(reference))
    assert.equal(status, 'accepted')
    assert.ok(fence > 2 ** 32)
  })

  it('goes by the clock of agents, also across its wrap', async () => {
    const time = new VirtualTime(0x7fffffff - 100)
    const clock = asAgentsHaveIt(time)
    const sequencer = new InlineSequencer({ clock })
    const bridge = new Bridge(sequencer.open(), { agent: 'a', incarnation: 1, clock })
    const registered = bridge.register(ABOUT)
    await time.until(pause(clock, 10_000))
    assert.ok(clock.now() < 0)
    assert.ok(registered.revision > 0)
    assert.equal(bridge.discover().length, 1)
    const reference = bridge.startConsensus(['a'], motionOf(), 1000)
    // It has no opinion, so it abstains.
    assert.equal((await time.until(bridge.result(reference))).status, 'rejected')
  })

  it('works over a sequencer in a thread of its own', async t => {
    const keeper = await startSequencer(t)
    const bridges = NAMES.map(agent => {
      const bridge = new Bridge(keeper.open(), { agent, incarnation: 1, vote: yes })
      t.after(() => bridge.close())
      bridge.register(ABOUT)
      return bridge
    })
    const when = { episode: 1, timeoutMs: 20_000 }
    const met = await Promise.all(bridges.map(bridge => bridge.barrier('start', NAMES, when)))
    assert.ok(met.every(({ status }) => status === 'passed'))
    while (bridges[0].discover().length < 3) await new Promise(resolve => setTimeout(resolve, 5))
    const reference = bridges[0].startConsensus(NAMES, motionOf(), 20_000)
    assert.equal((await bridges[2].result(reference)).status, 'accepted')
  })
})
