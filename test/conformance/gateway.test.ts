import assert from 'node:assert/strict'
import { before, describe, it, type TestContext } from 'node:test'
import { pathOf } from '../../native-bench/load/cores.ts'
import type { Case } from './case.ts'
import { JUDGES, startSignalbox } from './proxies.ts'
import { GROUP_NAMES, GROUPS, judgeAll, type Verdict } from './suite.ts'

/** Ours waits for what must happen, however busy the machine is. */
const PATIENCE_MS = 20_000
/** The judges are set to give up after a second, and what they do not do by then they do not do. */
const JUDGE_MS = 1500

/**
 * How many cases each passes at least, in the versions of Debian 12 with nothing but defaults: that many cases are right in other eyes
 * than ours. A few less than were counted, for a case may run out of time on a busy machine.
 */
const FLOORS = { nginx: 330, haproxy: 500 } as const

const judges = Object.keys(JUDGES) as (keyof typeof JUDGES)[]
const missing = judges.filter(name => pathOf(name) === undefined)
const skip =
  missing.length > 0 &&
  `needs ${missing.join(', ')}: apt-get install ${missing.map(name => JUDGES[name].debian).join(' ')}`

/** Each proxy plays once, all at the same time; every test looks at what came of it. */
const ours = once(() => judgeAll(startSignalbox, { isOurs: true, deadlineMs: PATIENCE_MS }))
const theirs = {
  nginx: once(() => judgeAll(JUDGES.nginx.start, { isOurs: false, deadlineMs: JUDGE_MS })),
  haproxy: once(() => judgeAll(JUDGES.haproxy.start, { isOurs: false, deadlineMs: JUDGE_MS })),
}

// They wait for deadlines most of the time, and can do that at once.
before(() => {
  for (const play of skip === false ? [ours, theirs.nginx, theirs.haproxy] : [ours]) play().catch(() => {})
})

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

const hasPassed = ({ faults }: Verdict): boolean => faults.length === 0
const nameOf = ({ group, wanted }: Verdict): string => `${group}: ${wanted.name}`

describe('the suite', () => {
  it('has 60 cases of good traffic, 80 hostile requests and 25 hostile answers, each with a name of its own', () => {
    const count = (names: readonly (keyof typeof GROUPS)[]): number =>
      names.reduce((sum, name) => sum + GROUPS[name].length, 0)
    assert.ok(count(['good requests', 'good answers', 'conversations']) >= 60)
    assert.ok(count(['framing', 'request lines and hosts', 'fields and limits']) >= 80)
    assert.ok(count(['hostile answers']) >= 25)
    for (const group of GROUP_NAMES) {
      const names = GROUPS[group].map(({ name }) => name)
      assert.deepEqual(
        names.filter((name, i) => names.indexOf(name) !== i),
        [],
        group,
      )
    }
  })
})

describe('signalbox', () => {
  for (const group of GROUP_NAMES) {
    it(`passes every case of ${group}`, async () => {
      const failed = (await ours()).filter(verdict => verdict.group === group && !hasPassed(verdict))
      const lines = failed.map(({ wanted, faults }) => `${wanted.name} (RFC ${wanted.rule}): ${faults.join('; ')}`)
      assert.deepEqual(lines, [])
    })
  }
})

describe('the cases are right in other eyes too', { skip }, () => {
  for (const name of judges) {
    it(`${name} passes ${FLOORS[name]} of them`, async t => {
      const verdicts = await theirs[name]()
      const failed = verdicts.filter(verdict => !hasPassed(verdict)).map(nameOf)
      assert.ok(verdicts.length - failed.length >= FLOORS[name], `it fails\n${failed.join('\n')}`)
      t.diagnostic(`${name} passes ${verdicts.length - failed.length} of ${verdicts.length}`)
    })
  }

  it('those that no other proxy passes say why', async t => {
    await printTable(t)
    // On a busy machine a case may have failed for want of time, so those that surprise are played again.
    let silent = failedByBoth(await theirs.nginx(), await theirs.haproxy()).filter(
      ({ because }) => because === undefined,
    )
    if (silent.length > 0) {
      const again = { isOurs: false, deadlineMs: PATIENCE_MS, only: (wanted: Case) => silent.includes(wanted) }
      silent = failedByBoth(await judgeAll(JUDGES.nginx.start, again), await judgeAll(JUDGES.haproxy.start, again))
    }
    assert.deepEqual(
      silent.map(({ name }) => name),
      [],
    )
  })
})

function failedByBoth(one: readonly Verdict[], other: readonly Verdict[]): Case[] {
  const failed = new Set(one.filter(verdict => !hasPassed(verdict)).map(({ wanted }) => wanted))
  return other.filter(verdict => !hasPassed(verdict) && failed.has(verdict.wanted)).map(({ wanted }) => wanted)
}

async function printTable(t: TestContext): Promise<void> {
  const all = { signalbox: await ours(), nginx: await theirs.nginx(), haproxy: await theirs.haproxy() }
  const row = (cells: readonly (string | number)[]): string =>
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(26) : String(cell).padStart(10))).join('')
  t.diagnostic(row(['passed', 'cases', ...Object.keys(all)]))
  for (const group of GROUP_NAMES) {
    const passed = Object.values(all).map(
      verdicts => verdicts.filter(verdict => verdict.group === group && hasPassed(verdict)).length,
    )
    t.diagnostic(row([group, GROUPS[group].length, ...passed]))
  }
}
