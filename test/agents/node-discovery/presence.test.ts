import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { type TestContext, test } from 'node:test'
import { announcementDue } from '../../../agents/node-discovery/presence/announcements.ts'
import {
  DATAGRAM_BYTES_MAX,
  decodePresence,
  encodePresence,
  type Presence,
} from '../../../agents/node-discovery/presence/datagram.ts'
import { asking, type Guard, hearDatagram, NOTHING_HEARD } from '../../../agents/node-discovery/presence/guard.ts'
import type { ConfigInput } from '../../../engine/index.ts'
import { eventually } from '../../support/eventually.ts'
import { discovering, listening } from './endpoints-world.ts'

const HERE: Presence = {
  ...{ v: '1', kind: 'here', cluster: 'c', node: 'b', life: 'l1', seq: 1, nonce: 'n1', to: '' },
  ...{ address: '10.0.0.2:7946', zone: 'z2', capabilities: ['x'] },
}
const ME = { cluster: 'c', secret: 's', node: 'a' }

/** What becomes of messages, heard one after the other. */
function hearing(messages: readonly (readonly [change: Partial<Presence>, secret?: string])[], begin = NOTHING_HEARD) {
  let guard: Guard = begin
  const kinds = messages.map(([change, secret = 's']) => {
    const [next, heard] = hearDatagram(guard, encodePresence({ ...HERE, ...change }, secret), ME, 1_000)
    guard = next
    return heard.kind
  })
  return { kinds, unheard: guard.unheard }
}

test('announcements come at 0, 1, 3 and 7 s, then every 30 s ± 20 % (ALG-23)', () => {
  let atMs = 0
  const first = [0, 1, 2, 3].map(n => (atMs += announcementDue(n, 30_000).delayMs))
  assert.deepEqual(first, [0, 1_000, 3_000, 7_000])
  assert.deepEqual(announcementDue(4, 30_000), { delayMs: 30_000, spreadMs: 6_000 })
})

test('a datagram fits into one packet, and is read as it was written', () => {
  const many = { ...HERE, capabilities: Array.from({ length: 200 }, (_, i) => `capability-${i}`) }
  const bytes = encodePresence(many, 's')
  assert.ok(bytes.length <= DATAGRAM_BYTES_MAX && bytes.length > DATAGRAM_BYTES_MAX - 40, `${bytes.length} bytes`)
  assert.deepEqual(decodePresence(encodePresence(HERE, 's'), 'c', 's'), { presence: HERE })
  assert.equal(typeof JSON.parse(String(bytes)).mac, 'string')
})

test('another cluster, a wrong signature, a changed word and an old message are not heard, and counted (D33)', () => {
  const { kinds, unheard } = hearing([[{ cluster: 'other' }], [{}, 'wrong'], [{}], [{}]])
  assert.deepEqual(kinds, ['nothing', 'nothing', 'claimed', 'nothing'])
  assert.deepEqual(unheard, { malformed: 0, foreign: 1, forged: 1, replayed: 1 })
  const changed = Buffer.from(String(encodePresence(HERE, 's')).replace('10.0.0.2', '10.6.6.6'))
  assert.deepEqual(decodePresence(changed, 'c', 's'), { unheard: 'forged' })
  for (const bytes of ['', '{}', 'x'.repeat(2_000), '{"mac":"']) {
    assert.deepEqual(decodePresence(Buffer.from(bytes), 'c', 's'), { unheard: 'malformed' })
  }
})

test('a node is believed when it answers a question of ours, and not for what was said before (D33)', () => {
  const answer = { kind: 'answer', to: 'asked' } as const
  assert.deepEqual(hearing([[answer]]).kinds, ['nothing'])
  const asked = asking(NOTHING_HEARD, 'asked', 500)
  const { kinds, unheard } = hearing(
    [
      [answer],
      // The same life goes on: what it says next is heard, what it said before is not.
      [{ seq: 2, nonce: 'n2' }],
      [{ seq: 1, nonce: 'n3' }],
      // Another life claims its name: it is asked.
      [{ life: 'l2', seq: 9, nonce: 'n4' }],
    ],
    asked,
  )
  assert.deepEqual(kinds, ['seen', 'seen', 'nothing', 'claimed'])
  assert.equal(unheard.replayed, 1)
})

function configOf(name: string, port: number, secret = 's', address?: string): ConfigInput {
  const multicast = {
    ...{ cluster: 'c', secret, node: name, port, interface: '127.0.0.1', announce: '1s' },
    ...(address !== undefined && { address }),
  }
  return { services: { api: {} }, agents: { 'node-discovery': { multicast, topologySync: '1s' } } }
}

/** Whether nobody has the port. */
function isFree(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  return new Promise(resolve => {
    const end = (isFree: boolean) => socket.close(() => resolve(isFree))
    socket.on('error', () => end(false))
    socket.bind({ port, exclusive: true }, () => end(true))
  })
}

async function node(t: TestContext, name: string, port: number, secret = 's', address?: string) {
  const world = await discovering(t, configOf(name, port, secret, address))
  const report = () =>
    world.box.control!.report!('node-discovery') as { localState: { nodes: string[]; unheard: Record<string, number> } }
  return {
    ...world,
    nodes: () => (world.told('topology.updated').at(-1)?.nodes as string[] | undefined) ?? [],
    local: () => report().localState,
  }
}

test('nodes find each other by multicast, whoever was first; of another secret nobody is believed (AC-9, AC-11, AC-15)', async t => {
  const port = 28_946
  const here = await listening(t)
  const [a, b, stranger] = await Promise.all([
    node(t, 'a', port),
    node(t, 'b', port, 's', `127.0.0.1:${here.port}`),
    node(t, 'mallory', port, 'other'),
  ])
  await eventually('a knows b', () => a.nodes().join() === 'a,b')
  await eventually('b knows a', () => b.nodes().join() === 'a,b')
  const [{ connections }] = a.told('topology.updated').slice(-1) as { connections: Record<string, object> }[]
  assert.deepEqual(Object.keys(connections.a ?? {}), ['b'], 'b says where it is, and was connected to')
  assert.deepEqual(stranger.nodes(), [])

  const question = { type: 'signalbox.discovery.request', data: { strategies: ['multicast'] } }
  const { data } = await a.box.control!.ask!(question, { timeoutMs: 5_000 })
  const { nodes, failed, tookMs } = data as { nodes: { node: string }[]; failed: unknown[]; tookMs: number }
  assert.deepEqual([nodes.map(each => each.node), failed], [['b'], []])
  t.diagnostic(`a round by multicast took ${tookMs} ms`)
})

test('a datagram of somebody else is ignored and counted by a running node (D33)', async t => {
  const port = 28_947
  const a = await node(t, 'a', port)
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  t.after(() => socket.close())
  const forged = encodePresence({ ...HERE, kind: 'here' }, 'guessed')
  const foreign = encodePresence({ ...HERE, cluster: 'other' }, 's')
  await eventually('both are counted', () => {
    for (const bytes of [forged, foreign]) socket.send(bytes, port, '127.0.0.1')
    const { unheard } = a.local() ?? {}
    return unheard !== undefined && unheard.forged! > 0 && unheard.foreign! > 0
  })
  assert.deepEqual(a.nodes(), [])
})

test('a reload without the group leaves it: its port is free, who was found there is forgotten; with it all is as before', async t => {
  const port = 28_948
  const [a, b] = await Promise.all([node(t, 'a', port), node(t, 'b', port)])
  const knowEachOther = () => a.nodes().join() === 'a,b' && b.nodes().join() === 'a,b'
  await eventually('they know each other', knowEachOther)
  assert.equal(await isFree(port), false)
  const without: ConfigInput = { services: { api: {} }, agents: { 'node-discovery': { strategies: ['static'] } } }
  await Promise.all([a.box.reload(without), b.box.reload(without)])
  await eventually('they have forgotten each other', () => a.nodes().join() === 'local' && b.nodes().join() === 'local')
  await eventually('the port is free', () => isFree(port))
  await Promise.all([a.box.reload(configOf('a', port)), b.box.reload(configOf('b', port))])
  await eventually('they find each other again', knowEachOther)
})

test('nodes that a reload brings into a group have the names there that it says', async t => {
  const port = 28_949
  const config: ConfigInput = { services: { api: {} } }
  const [a, b] = await Promise.all([discovering(t, config), discovering(t, config)])
  await Promise.all([a.box.reload(configOf('a', port)), b.box.reload(configOf('b', port))])
  for (const { told } of [a, b]) {
    await eventually('they find each other', () => String(told('topology.updated').at(-1)?.nodes) === 'a,b')
  }
  await a.box.reload(configOf('c', port))
  await eventually('and by another name', () => String(b.told('topology.updated').at(-1)?.nodes).includes('c'))
  assert.deepEqual(a.told('topology.updated').at(-1)?.nodes, ['b', 'c'])
})
