import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chanceOf } from '../../../native-bench/quality/chance.ts'
import { RULES } from '../../../native-bench/quality/rules/registry.ts'
import type { Routing, Surroundings } from '../../../native-bench/quality/rules/rule.ts'
import type { Request } from '../../../native-bench/quality/world/request.ts'

const PICKS = 4000

class Bench {
  nowMs = 0
  readonly routing: Routing
  readonly repeats: { readonly everyMs: number; readonly call: () => void }[] = []
  inside: readonly number[] = []
  used: readonly number[] = []

  constructor(rule: string, weights: readonly number[], nodes = 1) {
    const surroundings: Surroundings = {
      fleet: { nodes, threads: 1 },
      machines: weights.map(weight => ({ weight })),
      chance: chanceOf(7),
      nowMs: () => this.nowMs,
      ask: (machine, ask, onAnswer) => onAnswer(ask(this.inside[machine] ?? 0, this.nowMs)),
      utilisation: machine => this.used[machine] ?? 0,
      repeat: (everyMs, call) => void this.repeats.push({ everyMs, call }),
    }
    this.routing = RULES.find(({ name }) => name === rule)!.begin(surroundings, [])
  }

  send(router = 0): Request {
    const request: Request = {
      ...{ number: 0, router, caller: 0, sentMs: this.nowMs, seed: 1, key: 1, ticket: 0, machine: -1 },
      ...{ until: 0, insideThen: 0, insideAfter: 0, servedMs: 10, arrivedMs: 0, state: 'sent' },
    }
    request.machine = this.routing.pick(request)
    return request
  }

  settle(request: Request, tookMs = 10): void {
    this.routing.settle(request, 'ok', tookMs)
  }

  /** Share of picks that each machine gets, one at a time. */
  shares(count: number, tookMs: (machine: number) => number = () => 10): number[] {
    const got = new Array<number>(count).fill(0)
    for (let i = 0; i < PICKS; i++) {
      const request = this.send()
      got[request.machine]!++
      this.nowMs += 1
      this.settle(request, tookMs(request.machine))
    }
    return got.map(each => each / PICKS)
  }
}

/** Puts so many in flight on a machine, whatever it takes. */
function makeBusy(bench: Bench, machine: number, count: number): void {
  for (let inflight = 0; inflight < count; ) {
    const request = bench.send()
    if (request.machine === machine) inflight++
    else bench.settle(request)
  }
}

test("a busy one of two: a quarter with Envoy's draws, none with different ones or a look at both", () => {
  for (const [rule, share] of [
    ['envoy-least-request', 0.25],
    ['nginx-random-two', 0],
    ['nginx-least-conn', 0],
    ['haproxy-leastconn', 0],
    ['least-loaded', 0],
  ] as const) {
    const bench = new Bench(rule, [1, 1])
    makeBusy(bench, 0, 1)
    const [busy] = bench.shares(2)
    assert.ok(Math.abs(busy! - share) < 0.03, `${rule}: ${busy}`)
  }
})

test('nginx takes equals by smooth weighted round robin, HAProxy one after the other', () => {
  const nginx = new Bench('nginx-least-conn', [5, 1, 1])
  const order = Array.from({ length: 7 }, () => {
    const request = nginx.send()
    nginx.settle(request)
    return 'abc'[request.machine]
  })
  assert.equal(order.join(' '), 'a a b a c a a', "nginx's own example")
  const haproxy = new Bench('haproxy-leastconn', [1, 1, 1])
  const turns = Array.from({ length: 6 }, () => {
    const request = haproxy.send()
    haproxy.settle(request)
    return request.machine
  })
  assert.deepEqual(turns, [0, 1, 2, 0, 1, 2])
})

test("two routers of one rule do not know each other's requests", () => {
  for (const rule of ['least-loaded', 'nginx-random-two', 'finagle-peak-ewma', 'c3']) {
    const bench = new Bench(rule, [1, 1], 2)
    const busy = bench.send(0).machine
    let met = 0
    for (let i = 0; i < 200; i++) {
      const request = bench.send(1)
      if (request.machine === busy) met++
      bench.settle(request)
    }
    assert.ok(met > 40, `${rule}: ${met}`)
  }
})

test('latency counts: ten times slower, and next to nothing comes', () => {
  for (const rule of ['finagle-peak-ewma', 'c3']) {
    const bench = new Bench(rule, [1, 1, 1, 1])
    const [slow] = bench.shares(4, machine => (machine === 0 ? 100 : 10))
    assert.ok(slow! < 0.05, `${rule}: ${slow}`)
  }
})

test('who is twice as full for the same load gets half of it, by utilisation', () => {
  const bench = new Bench('weighted-by-utilisation', [1, 1])
  bench.used = [0.8, 0.4]
  bench.shares(2)
  for (const { call } of bench.repeats) call()
  const [full] = bench.shares(2)
  assert.ok(Math.abs(full! - 1 / 3) < 0.03, `${full}`)
})

test('YARP believes what it was told half a second ago', () => {
  const bench = new Bench('yarp-two-choices', [1, 1])
  bench.inside = [5, 0]
  assert.equal(bench.repeats[0]!.everyMs, 500)
  bench.repeats[0]!.call()
  bench.inside = [0, 5]
  assert.deepEqual(bench.shares(2), [0, 1])
})

test('Prequal leaves the hot ones alone, and of cold ones takes the quickest', () => {
  const bench = new Bench('prequal-probes', new Array(20).fill(1))
  bench.inside = Array.from({ length: 20 }, (_, i) => (i < 4 ? 50 : 1))
  bench.shares(20)
  const shares = bench.shares(20)
  // Without probes it draws evenly, so some come by all the same.
  assert.ok(
    shares.slice(0, 4).every(share => share < 0.02),
    `${shares}`,
  )
})
