import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { DEGRADED, EJECTED, QUARANTINED, TRIPPED, UNHEALTHY } from '../../engine/memory/bars.ts'
import { Candidates } from '../../engine/memory/candidates.ts'
import { BREAKER_PROBE, BREAKER_UNTIL_MS, CLOCK_MS_AT, ROW_WORDS } from '../../engine/memory/layout.ts'
import type { ServiceText } from '../../engine/memory/service-text.ts'
import { Tried } from '../../engine/memory/tried.ts'
import { below, createDice } from '../../engine/policies/dice.ts'
import { POLICIES } from '../../engine/policies/registry.ts'
import { CHOICES_MAX } from '../../engine/router/router.ts'
import { Tiers } from '../../engine/router/tiers.ts'
import type { TinyEndpoint } from '../support/tiny-endpoint.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

const { at, pull } = Candidates.prototype
const { derive } = Tiers.prototype

/** What a pick did: rows it looked up, rows it weighed, passes over all rows. */
const steps = { at: 0, pull: 0, derive: 0 }

/** Somebody who writes between the steps of a pick: at any of them, and around the weighing of a row. */
interface Writer {
  between(): void
  beforePull?(row: number): void
  afterPull?(row: number): void
}

/** Counts the steps of every pick, and lets a writer do something between each two. */
function watchSteps({ between, beforePull, afterPull }: Writer): void {
  Candidates.prototype.at = function (this: Candidates, position: number): number {
    steps.at++
    between()
    return at.call(this, position)
  }
  Candidates.prototype.pull = function (this: Candidates, row: number): number {
    steps.pull++
    between()
    beforePull?.(row)
    const answer = pull.call(this, row)
    afterPull?.(row)
    return answer
  }
  Tiers.prototype.derive = function (this: Tiers): number {
    steps.derive++
    between()
    return derive.call(this)
  }
}

/** An agent, an operator and other threads in one, which change a fact of some row each time. */
function restless(world: TinyWorld): Writer {
  const dice = createDice(1)
  const rows = world.rows()
  const { endpoints, region } = world
  const bars = [DEGRADED, EJECTED, QUARANTINED, TRIPPED, UNHEALTHY]
  const between = (): void => {
    const row = rows[below(dice(), rows.length)]
    const bar = bars[below(dice(), bars.length)]
    const choice = below(dice(), 8)
    if (choice < 5) endpoints.setBar(row, bar, (endpoints.bars(row) & bar) === 0)
    else if (choice === 5) endpoints.setWeight(row, below(dice(), 3))
    else if (choice === 6) endpoints.setAdaptiveLimit(row, below(dice(), 3))
    else region.words[region.layout.endpointsAt + row * ROW_WORDS + BREAKER_UNTIL_MS] = below(dice(), 2) * 1000
  }
  return { between }
}

/** Bars each row just when it is weighed and lets it in again at once: to whoever looks the service is well, and no row open. */
function evading({ endpoints }: TinyWorld): Writer {
  return {
    between: () => {},
    beforePull: row => endpoints.setBar(row, QUARANTINED, true),
    afterPull: row => endpoints.setBar(row, QUARANTINED, false),
  }
}

/** Opens every breaker, and takes the probe of each row as soon as it was found free; the clock goes on, so that there is always one due. */
function snatching({ endpoints, region }: TinyWorld): Writer {
  const setProbe = (row: number, to: number): void => {
    region.words[region.layout.endpointsAt + row * ROW_WORDS + BREAKER_PROBE] = to
  }
  return {
    between: () => void region.words[CLOCK_MS_AT]++,
    beforePull: row => {
      endpoints.setBar(row, TRIPPED, true)
      setProbe(row, 0)
    },
    afterPull: row => setProbe(row, 99),
  }
}

const WRITERS = { restless, evading, snatching }

const GUARDED: Partial<ServiceText> = {
  isAdaptive: true,
  limits: { requests: 1000, connections: 0, retries: 0, endpointRequests: 2 },
  breaker: {
    consecutiveFailures: 2,
    errorRate: 0.5,
    errorRateVolume: 10,
    windowMs: 1000,
    openForMs: 1,
    maxOpenForMs: 100,
    probes: 1,
  },
}

/** Rows a policy looks up in one call: two rounds and a scan, or so many draws and a scan; see the policies' own test. */
const policyBound = (rows: number): number => 6 * rows + 80

/**
 * What the doc of `Router.pick` promises, with n rows in p priorities: each choice asks the policy once for its tier, once
 * for each priority in each of three tiers, and passes over the rows for what was tried (twice) and for the reason (once).
 * Before the first choice it passes over them once more for a probe that is due.
 */
const pickBound = (rows: number, priorities: number): number =>
  rows + CHOICES_MAX * (policyBound(rows) + 3 * (6 * rows + 80 * priorities) + 3 * rows)

describe('a pick ends within steps bounded by the number of rows and priorities, whatever writers do meanwhile', () => {
  afterEach(() => {
    Candidates.prototype.at = at
    Candidates.prototype.pull = pull
    Tiers.prototype.derive = derive
  })

  for (const { name } of POLICIES) {
    for (const [writer, writes] of Object.entries(WRITERS)) {
      test(`under ${name}, with a writer that is ${writer}`, t => {
        let most = 0
        for (const [rows, priorities] of [
          [1, 1],
          [5, 2],
          [16, 1],
          [17, 1],
          [40, 5],
        ]) {
          const endpoints = Object.fromEntries(
            Array.from({ length: rows }, (_, i): [string, TinyEndpoint] => [`e${i}`, { priority: i % priorities }]),
          )
          const world = tinyWorld(endpoints, { policy: name, text: rows === 16 ? {} : GUARDED })
          const tried = new Tried()
          for (const row of world.rows().slice(0, rows >> 1)) tried.add(row)
          const held: number[] = []
          watchSteps(writes(world))
          for (let i = 0; i < 300; i++) {
            steps.at = steps.pull = steps.derive = 0
            const ticket = world.router.pick(i, (i & 3) === 0 ? tried : undefined)
            const bound = pickBound(rows, priorities)
            assert.ok(steps.at <= bound, `${steps.at} rows looked up, of ${rows} in ${priorities} priorities`)
            assert.ok(steps.pull <= bound, `${steps.pull} rows weighed, of ${rows} in ${priorities} priorities`)
            assert.ok(steps.derive <= 1 + CHOICES_MAX, `${steps.derive} passes over all rows`)
            most = Math.max(most, steps.at / bound)
            if (ticket >= 0) held.push(ticket)
            if (held.length > rows) world.router.settle(held.shift() as number, i & 1 ? 'ok' : 'error', 1)
          }
          world.close()
        }
        t.diagnostic(`${Math.round(100 * most)} % of the bound at most`)
      })
    }
  }
})
