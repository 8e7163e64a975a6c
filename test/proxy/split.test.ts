import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { hashKey } from '../../engine/memory/hash-key.ts'
import { createDice } from '../../engine/policies/dice.ts'
import type { Lane } from '../../engine/proxy/lanes.ts'
import { hashOf } from '../../engine/proxy/routes/request-key.ts'
import { SessionCookie } from '../../engine/proxy/routes/session-cookie.ts'
import { Split } from '../../engine/proxy/routes/split.ts'
import { exchangeRaw, head, startOrigin, startRig } from './rig.ts'

const lane = (service: string, more: Partial<Lane> = {}): Lane => ({ service, ...more }) as Lane

/** Names of the sides that requests with these headers are sent to. */
function drawn(split: Split, requests: Iterable<IncomingMessage['headers']>): string[] {
  return Array.from(
    requests,
    headers => split.draw({ headers } as IncomingMessage, '/', { client: '192.0.2.1' }).service,
  )
}

/** Fails unless a share of n draws is within five standard deviations of a binomial of probability p. */
function isShare(count: number, n: number, p: number): void {
  const tolerance = 5 * Math.sqrt(n * p * (1 - p))
  assert.ok(Math.abs(count - n * p) <= tolerance, `${count} of ${n}, wanted ${n * p} ± ${tolerance}`)
}

const byHeader = () => hashOf({ name: 'rendezvous', hash: { header: 'x-user' } })

describe('Split', () => {
  it('draws by weight, and the same again from the same seed', () => {
    const n = 100_000
    const sides = [
      { lane: lane('a'), weight: 90 },
      { lane: lane('off'), weight: 0 },
      { lane: lane('b'), weight: 9 },
      { lane: lane('c'), weight: 1 },
    ]
    const once = drawn(new Split(sides, createDice(7)), Array(n).fill({}))
    assert.deepEqual(drawn(new Split(sides, createDice(7)), Array(n).fill({})), once)
    const count = (side: string): number => once.filter(name => name === side).length
    assert.equal(count('off'), 0)
    isShare(count('a'), n, 0.9)
    isShare(count('b'), n, 0.09)
    isShare(count('c'), n, 0.01)
  })

  it('keeps whoever has a key of the first service on a side, by weight over the keys', () => {
    const n = 20_000
    const sides = [
      { lane: lane('a', { hashOf: byHeader() }), weight: 95 },
      { lane: lane('b'), weight: 5 },
    ]
    const users = Array.from({ length: n }, (_, i) => ({ 'x-user': `user-${i}` }))
    const once = drawn(new Split(sides, createDice(1)), users)
    assert.deepEqual(drawn(new Split(sides, createDice(2)), users), once, 'the dice have no say')
    isShare(once.filter(name => name === 'b').length, n, 0.05)
    // Who has no key goes anywhere, by the same weights.
    isShare(drawn(new Split(sides, createDice(1)), Array(n).fill({})).filter(name => name === 'b').length, n, 0.05)
  })

  it('gives a new session an id of the side that it falls on', () => {
    const cookie = new SessionCookie('signalbox')
    const sessions = hashOf({ name: 'sticky' })
    const split = new Split(
      [
        { lane: lane('a', { hashOf: sessions, cookie }), weight: 1 },
        { lane: lane('b', { hashOf: byHeader() }), weight: 1 },
      ],
      createDice(1),
    )
    const sides = new Set<string>()
    for (let i = 0; i < 200; i++) {
      const { service, cookie: given, hashOf: of } = split.draw({ headers: {} } as IncomingMessage, '/', { client: '' })
      sides.add(service)
      assert.equal(of, sessions)
      const { id } = (given as SessionCookie).begin(false)
      assert.equal(split.sideOf(hashKey(id)).service, service)
      assert.deepEqual(drawn(split, [{ cookie: `signalbox=${id}` }]), [service])
    }
    assert.deepEqual([...sides].sort(), ['a', 'b'])
  })
})

describe('a split route', () => {
  const startTwo = async (t: TestContext, policy: unknown, split: Record<string, number>) => {
    const origins = await Promise.all(['a', 'b'].map(name => startOrigin((_, response) => response.end(name))))
    const [a, b] = origins.map(({ url }) => ({ policy, endpoints: [{ url }] }))
    const rig = await startRig([], { services: { a, b }, routes: [{ split }] } as Parameters<typeof startRig>[1])
    t.after(async () => {
      await rig.close()
      for (const origin of origins) await origin.close()
    })
    return rig
  }
  const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

  it('sends each side its share', async t => {
    const rig = await startTwo(t, 'round-robin', { a: 80, b: 20 })
    const n = 1000
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => exchangeRaw(rig.port, get.repeat(n / 20 - 1) + head('/'))),
    )
    const bodies = answers.join('').match(/\r\n\r\n(?:1\r\n)?[ab](?=\r\n|HTTP|$)/g) ?? []
    assert.equal(bodies.length, n)
    isShare(bodies.filter(body => body.endsWith('b')).length, n, 0.2)
  })

  it('keeps a session on its side, from its first request on', async t => {
    const rig = await startTwo(t, 'sticky', { a: 1, b: 1 })
    const seen = new Set<string>()
    for (let session = 0; session < 12; session++) {
      const first = await exchangeRaw(rig.port, head('/'))
      const cookie = /Set-Cookie: (signalbox=[\w-]+)/.exec(first)?.[1]
      const side = first.at(-1) as string
      seen.add(side)
      for (let i = 0; i < 4; i++) {
        const next = await exchangeRaw(rig.port, head('/', `Cookie: ${cookie}`))
        assert.equal(next.at(-1), side)
        assert.ok(!next.includes('Set-Cookie'))
      }
    }
    assert.equal(seen.size, 2, 'twelve sessions fall on both sides')
  })
})
