import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Director } from './schedule/director.ts'
import { LATE_WRITES } from './schedule/faults.ts'
import { SCENARIOS } from './schedule/scenarios.ts'
import { type Bounds, type Findings, playAll } from './schedule/schedules.ts'

/** SIGNALBOX_PROOF=full goes further, and takes half an hour: see README.md. */
const IS_FULL = process.env.SIGNALBOX_PROOF === 'full'

/** Bounds of a run by default and in full, by how many steps the scenario has: so many times the schedules. */
const SMALL: readonly Bounds[] = IS_FULL
  ? [{ preemptions: 3, deaths: 1 }]
  : [
      { preemptions: 2, deaths: 0 },
      { preemptions: 1, deaths: 1 },
    ]
const LARGE: readonly Bounds[] = IS_FULL
  ? [
      { preemptions: 3, deaths: 0 },
      { preemptions: 1, deaths: 1 },
    ]
  : [
      { preemptions: 2, deaths: 0 },
      { preemptions: 0, deaths: 1 },
    ]
const LARGEST: readonly Bounds[] = IS_FULL
  ? [
      { preemptions: 2, deaths: 0 },
      { preemptions: 1, deaths: 1 },
    ]
  : [
      { preemptions: 1, deaths: 0 },
      { preemptions: 0, deaths: 1 },
    ]
const BOUNDS: Readonly<Record<string, readonly Bounds[]>> = {
  'two readers, one writer of slots': LARGE,
  'seats are taken and freed': LARGE,
  'two writers and a reader of a ring': LARGE,
  'two requests fail at one moment, and a probe fails': LARGE,
  'a request fails while another thread closes the breaker': LARGE,
  'a request fails while its row is given to another tenant': LARGE,
  'three threads, two places, one endpoint with one': LARGEST,
}

/** Machines that break a promise, the scenario in which that must show, and how many preemptions it takes. */
const FAULTS: readonly { fault: string; scenario: string; preemptions: number }[] = [
  { fault: 'no second look', scenario: 'one reader, one writer of slots', preemptions: 2 },
  { fault: 'pins are not seen', scenario: 'one reader, one writer of slots', preemptions: 2 },
  { fault: 'pin before next pin', scenario: 'one reader, one writer of slots', preemptions: 3 },
  { fault: 'the announcement is late', scenario: 'one reader, one writer of slots', preemptions: 2 },
  { fault: LATE_WRITES, scenario: 'one reader, one writer of slots', preemptions: 2 },
  { fault: 'compareExchange in two steps', scenario: 'two writers race for the right to write', preemptions: 2 },
  { fault: 'pins are not seen', scenario: 'choice tables are built and read', preemptions: 2 },
  { fault: LATE_WRITES, scenario: 'choice tables are built and read', preemptions: 2 },
  { fault: 'pins are not seen', scenario: 'a row is removed and reused while it is picked', preemptions: 2 },
  { fault: 'compareExchange in two steps', scenario: 'seats are taken and freed', preemptions: 2 },
  { fault: LATE_WRITES, scenario: 'outcomes are reported and drained', preemptions: 2 },
  { fault: 'compareExchange in two steps', scenario: 'two writers and a reader of a ring', preemptions: 2 },
  { fault: LATE_WRITES, scenario: 'two writers and a reader of a ring', preemptions: 2 },
  { fault: 'the look comes before the add', scenario: 'two threads in a service with room for one', preemptions: 2 },
  { fault: 'the look comes before the add', scenario: 'two threads at an endpoint with room for one', preemptions: 2 },
  {
    fault: 'compareExchange in two steps',
    scenario: 'two requests fail at one moment, and a probe fails',
    preemptions: 2,
  },
  { fault: 'compareExchange in two steps', scenario: 'a seat with a request in flight changes hands', preemptions: 2 },
]

async function play(scenario: string, bounds: readonly Bounds[], fault?: string): Promise<Findings> {
  const director = await Director.stage(scenario, fault)
  const sum = { schedules: 0, steps: 0 }
  try {
    for (const bound of bounds) {
      const { schedules, steps, wrong } = playAll(director, bound)
      sum.schedules += schedules
      sum.steps += steps
      if (wrong !== undefined) return { ...sum, wrong }
    }
    return sum
  } finally {
    await director.close()
  }
}

const count = ({ schedules, steps }: Findings): string => `${schedules} schedules, ${steps} steps`

describe('shipped code on real threads, by every schedule', () => {
  for (const scenario of Object.keys(SCENARIOS)) {
    test(scenario, async t => {
      const findings = await play(scenario, BOUNDS[scenario] ?? SMALL)
      assert.equal(findings.wrong, undefined, `${findings.wrong?.what}, by\n${findings.wrong?.schedule}`)
      t.diagnostic(count(findings))
    })
  }
  for (const { fault, scenario, preemptions } of FAULTS) {
    test(`… and it shows when a promise is broken: ${fault}, ${scenario}`, async t => {
      const findings = await play(scenario, [{ preemptions, deaths: 0 }], fault)
      assert.ok(findings.wrong !== undefined, `no schedule shows it: ${count(findings)}`)
      t.diagnostic(`${count(findings)}: ${findings.wrong.what}, by\n${findings.wrong.schedule}`)
    })
  }
})
