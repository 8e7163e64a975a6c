import { ROSTER } from '../../../agents/index.ts'
import { actors, type Deed } from './actor.ts'
import { openWatched, type Told, type Watched, type WatchedOptions } from './watched-cluster.ts'

/** What came of a fault, as plain data: faults are played in a process of their own. */
export type Outcome = Record<string, unknown>

/** A cluster that has run for a while, with actors beside, and a way to send requests on all nodes. */
async function playing(size: number, options: WatchedOptions = {}, without: Record<string, null> = {}) {
  const { actor, bridges, deeds, revisions } = actors()
  const roster = [
    ...ROSTER.filter(({ name }) => name === 'failure-detector' || name === 'partition-handler'),
    { name: 'actor', group: 'yours', module: 'file:///none', restart: 'permanent' } as const,
  ]
  const watched = await openWatched(size, {
    ...options,
    cluster: { roster, agents: { actor, ...without }, seed: 11, ...options.cluster },
  })
  const { cluster } = watched
  let failed = 0
  let picked = 0
  /** Lets time pass while every node that runs sends a request ten times a second. */
  const route = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      for (const name of cluster.names) {
        if (!cluster.node(name).isUp) continue
        const router = cluster.node(name).box.router('api')
        const ticket = router.pick()
        picked++
        if (ticket < 0) failed++
        else router.settle(ticket, 'ok', 1_000)
      }
      await cluster.advance(Math.min(100, ms - passed))
    }
  }
  /** What a node is told that proposes something to the actors of these nodes: the status, or the code it is refused with. */
  let episode = 0
  const propose = async (node: string, among: readonly string[]): Promise<string> => {
    const participants = among.map(each => `actor@${each}`)
    try {
      const motion = { type: 'test', subject: 'x', episode: ++episode, payload: {} }
      const bridge = bridges.get(node)!
      const result = bridge.result(bridge.startConsensus(participants, motion, 2_000))
      await route(3_000)
      return (await result).status
    } catch (error) {
      return (error as { code?: string }).code ?? String(error)
    }
  }
  const rights = (): string[] =>
    cluster.names.map(name => {
      const { rights: has } = cluster.node(name).plane.state('partition-handler') as { rights: { mayDecide: boolean } }
      return has.mayDecide ? name : '-'
    })
  const views = (): string[] =>
    cluster.names.map(name => (cluster.node(name).isUp ? watched.view(name).join(' ') : '-'))
  await route(20_000)
  watched.mark()
  return { watched, cluster, deeds, revisions, route, propose, rights, views, routed: () => ({ picked, failed }) }
}

const lines = (told: readonly Told[]): string[] =>
  told.map(({ at, type, ms, data }) => `${at} ${Math.round(ms)} ${type} ${JSON.stringify(data)}`)

/** Fences that are lower than one before them: somebody acted who was not in charge any more. */
const outOfOrder = (deeds: readonly Deed[]): number =>
  deeds.filter(({ fence }, i) => i > 0 && fence < deeds[i - 1]!.fence).length

const health = (watched: Watched): number[] =>
  watched.cluster.names.map(name => (watched.cluster.node(name).isUp ? watched.watch(name).localHealth : 0))

export const FAULTS: Readonly<Record<string, () => Promise<Outcome>>> = {
  /** A node stops for 300 ms, for 5 s, and for 15 s, which is longer than its leases. */
  async F4() {
    const play = await playing(3, { nodes: { profile: 'fast' } })
    const { watched, cluster, route, deeds } = play
    cluster.stop('b', 300)
    await route(3_000)
    const short = watched.changes()
    watched.mark()
    cluster.stop('b', 5_000)
    await route(15_000)
    const long = watched.changes()
    const leader = deeds.at(-1)!.node
    watched.mark()
    deeds.length = 0
    cluster.stop(leader, 15_000)
    await route(40_000)
    const led = [...new Set(deeds.map(({ node, fence }) => `${node} ${fence}`))]
    await cluster.close()
    return { short, long, leader, led, outOfOrder: outOfOrder(deeds), deeds: deeds.length }
  },

  /** A node gets a twentieth of its time, in turns of 4 s; then another one is killed meanwhile. */
  async F5() {
    const { watched, cluster, route } = await playing(3)
    cluster.starve('c', 20, 4_000)
    let worst = 0
    for (let i = 0; i < 60; i++) {
      await route(1_000)
      worst = Math.max(worst, health(watched)[2]!)
    }
    const changes = watched.changes()
    await cluster.kill('a')
    await route(10_000)
    cluster.starve('c', 1)
    await route(60_000)
    const seen = watched.changes('c').filter(line => line.includes(': a '))
    const after = health(watched)[2]
    await cluster.close()
    return { changes, worst, seen, after }
  },

  /** Nothing of a gets through to b for a minute. */
  async F6() {
    const { watched, cluster, route, rights } = await playing(5)
    cluster.oneWay('a', 'b')
    let worst = [0, 0, 0, 0, 0]
    for (let i = 0; i < 60; i++) {
      await route(1_000)
      worst = health(watched).map((each, at) => Math.max(each, worst[at]!))
    }
    const changes = watched.changes()
    const held = rights()
    const told = lines(watched.told.filter(({ type }) => type.startsWith('partition')))
    cluster.heal()
    await route(5_000)
    const after = rights()
    await cluster.close()
    return { changes, worst, held, after, told }
  },

  /** A fifth of all messages is lost for a minute. */
  async F7() {
    const { watched, cluster, route, rights } = await playing(5)
    cluster.network.changeAll({ loss: 0.2 })
    await route(60_000)
    const { sent, lost } = cluster.network.carried
    const changes = watched.changes()
    const outcome = {
      changes,
      sent,
      lost,
      told: lines(watched.told.filter(({ type }) => type !== 'node.health-changed')),
      rights: rights(),
    }
    // And the test has eyes: who is really dead is found in spite of it.
    watched.mark()
    await cluster.kill('e')
    await route(60_000)
    const dead = watched.told
      .filter(({ data }) => data.to === 'dead')
      .map(({ at, data, ms }) => `${at} ${String(data.node)} ${Math.round(ms)}`)
    await cluster.close()
    return { ...outcome, dead }
  },

  /** Three nodes here, two there, for 12 s, and all of them reach the store. */
  F8: () => split(['store']),
  /** The same, but that the two do not reach the store either. */
  F8b: () => split([]),

  /** The same, but that nobody tells a partition from anything else. */
  async unguarded() {
    const { cluster, route, propose } = await playing(5, {}, { 'partition-handler': null })
    cluster.partition([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ])
    await route(12_000)
    const outcome = { majority: await propose('a', ['a', 'b', 'c']), minority: await propose('d', ['d', 'e']) }
    await cluster.close()
    return outcome
  },

  /** Each node alone. */
  async F9() {
    const { watched, cluster, route, rights, propose, routed } = await playing(3)
    cluster.partition([['a'], ['b'], ['c']])
    await route(20_000)
    const held = rights()
    const answers = [await propose('a', ['a']), await propose('b', ['b']), await propose('c', ['c'])]
    const told = lines(watched.told.filter(({ type }) => type === 'partition.detected'))
    watched.mark()
    cluster.heal()
    await route(5_000)
    const outcome = { held, answers, told, after: rights(), routed: routed(), healed: lines(watched.told) }
    await cluster.close()
    return outcome
  },

  /** The link between two nodes is cut and whole by turns of 1 s, for a minute. */
  async F10() {
    const { watched, cluster, route, rights } = await playing(5)
    for (let i = 0; i < 30; i++) {
      cluster.partition([['a'], ['b']])
      await route(1_000)
      cluster.heal()
      await route(1_000)
    }
    const outcome = { changes: watched.changes(), rights: rights(), told: lines(watched.told) }
    await cluster.close()
    return outcome
  },

  /** Wall clocks jump by an hour, one ahead and one back. */
  async F11() {
    const { watched, cluster, route, propose, rights } = await playing(3)
    cluster.skewClock('a', 3_600_000)
    cluster.skewClock('b', -3_600_000)
    await route(30_000)
    const answers = [await propose('a', ['a', 'b', 'c']), await propose('b', ['a', 'b', 'c'])]
    const outcome = { changes: watched.changes(), answers, rights: rights() }
    await cluster.close()
    return outcome
  },

  /** The store is down for ten minutes. */
  async F12() {
    const { watched, cluster, route, propose, routed, revisions } = await playing(3)
    const registered = (): number => [...revisions.values()].filter(revision => revision > 0).length
    const before = registered()
    cluster.storeDown(600_000)
    await route(30_000)
    const meanwhile = registered()
    const answer = await propose('a', ['a', 'b', 'c'])
    await route(600_000 - 33_000)
    let restoredMs = 0
    for (; registered() < 3 && restoredMs < 60_000; restoredMs += 100) await route(100)
    const outcome = { before, meanwhile, answer, restoredMs, changes: watched.changes(), routed: routed() }
    await route(10_000)
    const after = await propose('a', ['a', 'b', 'c'])
    await cluster.close()
    return { ...outcome, after }
  },

  /** The lesser side alone reaches the store, and the lease decides. */
  async lease() {
    const { cluster, route, rights, propose } = await playing(5, { partition: { strategy: 'lease-majority' } })
    cluster.partition([
      ['a', 'b', 'c'],
      ['d', 'e', 'store'],
    ])
    await route(25_000)
    const held = rights()
    const answers = [await propose('a', ['a', 'b', 'c']), await propose('d', ['d', 'e'])]
    cluster.heal()
    await route(5_000)
    const outcome = { held, answers, after: rights() }
    await cluster.close()
    return outcome
  },
}

async function split(everywhere: readonly string[]): Promise<Outcome> {
  const { watched, cluster, route, propose, rights, views, routed } = await playing(5)
  const store = everywhere.includes('store') ? [] : ['store']
  cluster.partition([
    ['a', 'b', 'c', ...store],
    ['d', 'e'],
  ])
  await route(12_000)
  const held = rights()
  const told = lines(watched.told.filter(({ type }) => type === 'node.rights-changed'))
  const answers = { majority: await propose('a', ['a', 'b', 'c']), minority: await propose('d', ['d', 'e']) }
  const detected = lines(watched.told.filter(({ type }) => type === 'partition.detected'))
  watched.mark()
  cluster.heal()
  await route(2_000)
  const healed = views()
  const after = rights()
  await route(3_000)
  const agreed = cluster.names.map(
    name => (cluster.node(name).plane.state('partition-handler') as { agreed: unknown }).agreed ?? null,
  )
  const outcome = { held, told, answers, detected, healed, after, agreed, routed: routed() }
  await cluster.close()
  return outcome
}
