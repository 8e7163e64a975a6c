import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Barrier, type MeetingResult } from '../../../agents/bridge/barrier.ts'
import { pause } from '../../../agents/bridge/clock.ts'
import type { EmbeddedStore } from '../../../agents/bridge/embedded-store.ts'
import { InlineSequencer } from '../../../agents/bridge/inline-sequencer.ts'
import type { Meeting } from '../../../agents/bridge/meeting.ts'
import { type Registered, Registry } from '../../../agents/bridge/registry.ts'
import type { Change, Store } from '../../../agents/bridge/store.ts'
import { createDice } from '../../../engine/policies/dice.ts'
import { broken, lying, unfounded } from './borne-out.ts'
import { VirtualTime } from './virtual-time.ts'

const NAMES = ['a', 'b', 'c']
const TTL_MS = 1000

const meetingOf = (more: Partial<Meeting> = {}): Meeting => ({
  name: 'start',
  episode: 1,
  participants: NAMES.map(agent => ({ agent, incarnation: 1 })),
  timeoutMs: 10_000,
  ...more,
})

interface Seat {
  readonly store: EmbeddedStore
  readonly barrier: Barrier
  readonly registered: Registered
}

function seat(
  sequencer: InlineSequencer,
  time: VirtualTime,
  agent: string,
  incarnation = 1,
  of = (store: Store) => store,
): Seat {
  const store = sequencer.open({ patienceMs: 200 })
  const lives = new Registry(store, time)
  const about = { agent, role: 'x', incarnation, capabilities: [], health: 'healthy' } as const
  const registered = lives.register(about, TTL_MS)
  return { store, registered, barrier: new Barrier(of(store), { agent, incarnation, lives, clock: time }) }
}

async function table(names: readonly string[] = NAMES, delayMs?: () => number) {
  const time = new VirtualTime()
  const sequencer = new InlineSequencer({ clock: time, keeps: true, ...(delayMs && { delayMs }) })
  const seats = names.map(name => seat(sequencer, time, name))
  await time.until(pause(time, 200))
  return { time, sequencer, seats }
}

describe('Barrier', () => {
  it('lets nobody pass before the last has come, and then all, with the same fence', async () => {
    const { time, seats } = await table()
    let passed = 0
    const meet = async ({ barrier }: Seat): Promise<MeetingResult> => {
      const result = await barrier.meet(meetingOf())
      passed++
      return result
    }
    const early = seats.slice(0, 2).map(meet)
    await time.until(pause(time, 9000))
    assert.equal(passed, 0)
    const results = await time.until(Promise.all([...early, meet(seats[2])]))
    for (const result of results) assert.deepEqual(result, results[0])
    assert.equal(results[0].status, 'passed')
    assert.ok(results[0].fence > 0)
  })

  it('expires for all the same, and says who had not come; one that comes late is told so too', async () => {
    const { time, seats } = await table()
    const waiting = seats.slice(0, 2).map(({ barrier }) => barrier.meet(meetingOf()))
    const [first, second] = await time.until(Promise.all(waiting))
    assert.deepEqual([first.status, first.missing, first.dead], ['expired', ['c'], []])
    assert.deepEqual(second, first)
    assert.deepEqual(await time.until(seats[2].barrier.meet(meetingOf())), first)
  })

  it('is broken as soon as the lease of one that has not come runs out, without waiting for the deadline', async () => {
    const { time, seats } = await table()
    const waiting = seats.slice(0, 2).map(({ barrier }) => barrier.meet(meetingOf()))
    await time.until(pause(time, 100))
    const since = time.now()
    seats[2].store.leave()
    const [first, second] = await time.until(Promise.all(waiting))
    assert.deepEqual([first.status, first.missing, first.dead], ['broken', ['c'], ['c']])
    assert.deepEqual(second, first)
    assert.ok(((time.now() - since) | 0) <= TTL_MS + 100)
  })

  it('is broken where one was dead before it began, and another life of it does not do', async () => {
    const { time, sequencer, seats } = await table()
    seats[2].store.leave()
    await time.until(pause(time, 2 * TTL_MS))
    const next = seat(sequencer, time, 'c', 2)
    await time.until(pause(time, 100))
    const all = [seats[0], seats[1], next].map(({ barrier }) => barrier.meet(meetingOf()))
    for (const { status, dead } of await time.until(Promise.all(all))) {
      assert.deepEqual([status, dead], ['broken', ['c']])
    }
  })

  it('counts one that came and died then, and one that was not there when it was called', async () => {
    const { time, sequencer, seats } = await table(['a', 'b'])
    const participants = [{ agent: 'a', incarnation: 1 }, { agent: 'b', incarnation: 1 }, { agent: 'c' }]
    const waiting = seats[0].barrier.meet(meetingOf({ participants }))
    void seats[1].barrier.meet(meetingOf({ participants }))
    await time.until(pause(time, 100))
    seats[1].store.leave()
    await time.until(pause(time, 3 * TTL_MS))
    const late = seat(sequencer, time, 'c', 5)
    const results = await time.until(Promise.all([waiting, late.barrier.meet(meetingOf({ participants }))]))
    assert.deepEqual(
      results.map(({ status }) => status),
      ['passed', 'passed'],
    )
  })

  it('counts one that came and died then, also where that it came is heard late', async () => {
    const { time, sequencer, seats } = await table(['b', 'c'])
    const late = (store: Store): Store =>
      broken(store, {
        watch: (prefix, revision, onChanges, onLost) => {
          const tell = (changes: Change[]): void => {
            if (changes.some(({ key }) => key.startsWith('barrier/v/')))
              time.later(3 * TTL_MS, () => onChanges(changes))
            else onChanges(changes)
          }
          return store.watch(prefix, revision, tell, onLost)
        },
      })
    const first = seat(sequencer, time, 'a', 1, late)
    await time.until(pause(time, 100))
    const waiting = [first.barrier.meet(meetingOf())]
    await time.until(pause(time, 100))
    void seats[0].barrier.meet(meetingOf())
    await time.until(pause(time, 100))
    seats[0].store.leave()
    await time.until(pause(time, 2 * TTL_MS))
    waiting.push(seats[1].barrier.meet(meetingOf()))
    for (const { status } of await time.until(Promise.all(waiting))) assert.equal(status, 'passed')
  })

  it('is used again under the same name, by its episode', async () => {
    const { time, seats } = await table()
    let fence = 0
    for (const episode of [1, 2, 3]) {
      const all = seats.map(({ barrier }) => barrier.meet(meetingOf({ episode })))
      for (const result of await time.until(Promise.all(all))) {
        assert.equal(result.status, 'passed')
        assert.ok(result.fence > fence)
      }
      fence = (await all[0]).fence
    }
  })

  it('says unknown where the store cannot be read', async () => {
    const { time, sequencer, seats } = await table()
    sequencer.close()
    const result = await time.until(seats[0].barrier.meet(meetingOf({ timeoutMs: 500 })))
    assert.deepEqual(result, { status: 'unknown', fence: 0, missing: [], dead: [] })
  })

  it('refuses what is no meeting', async () => {
    const { seats } = await table()
    await assert.rejects(seats[0].barrier.meet(meetingOf({ participants: [] })), {
      code: 'SBX_AGENT_INVALID',
      message: 'Cannot meet: it has no participants',
    })
  })
})

/** One meeting of three to five, some of whom come late or die, while the sequencer dies too. What is wrong with it. */
async function play(seed: number, of?: (store: Store) => Store): Promise<{ faults: string[]; statuses: string[] }> {
  const roll = createDice(seed)
  for (let i = 0; i < 8; i++) roll()
  const time = new VirtualTime()
  const sequencer = new InlineSequencer({ clock: time, keeps: true, delayMs: () => 1 + (roll() % 20) })
  const names = ['a', 'b', 'c', 'd', 'e'].slice(0, 3 + (roll() % 3))
  const seats = names.map((name, i) => seat(sequencer, time, name, 1, i === 0 ? of : undefined))
  const meeting = meetingOf({ participants: names.map(agent => ({ agent, incarnation: 1 })), timeoutMs: 3000 })
  await time.until(pause(time, 500))
  const came = new Set<string>()
  const results: MeetingResult[] = []
  const faults: string[] = []
  const meet = async ({ store, barrier }: Seat, name: string): Promise<void> => {
    const fate = roll() % 10
    await pause(time, roll() % (fate === 0 ? 4000 : 2500))
    if (fate === 1) return store.leave()
    came.add(name)
    const result = await barrier.meet(meeting)
    if (result.status === 'passed' && came.size < names.length) faults.push('one passed before all had come')
    results.push(result)
  }
  const all = Promise.all(seats.map((each, i) => meet(each, names[i])))
  for (let i = roll() % 3; i > 0; i--) {
    await time.until(pause(time, roll() % 2000))
    sequencer.kill(roll() % 200)
  }
  await time.until(all)
  await time.until(pause(time, 1000))
  const known = results.filter(({ status }) => status !== 'unknown')
  if (new Set(known.map(result => JSON.stringify(result))).size > 1) faults.push('two were told different things')
  const { entries } = await time.until(sequencer.open().list('barrier/'))
  faults.push(...unfounded(entries))
  return { faults, statuses: results.map(({ status }) => status) }
}

describe('meetings of agents and a sequencer that die', () => {
  const SEEDS = 150

  it('end for all the same way, and nobody passes before all have come', async t => {
    const counts: Record<string, number> = {}
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { faults, statuses } = await play(seed)
      assert.deepEqual(faults, [], `seed ${seed}`)
      for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1
    }
    t.diagnostic(`as told: ${JSON.stringify(counts)}`)
    assert.ok(counts.passed > 0 && counts.expired > 0 && counts.broken > 0)
  })

  it('would be found out where a barrier lets one pass', async () => {
    const letPass = (store: Store): Store => lying(store, 'barrier', end => ({ ...end, status: 'passed', missing: [] }))
    let found = 0
    for (let seed = 1; seed <= 30 && found === 0; seed++) found += (await play(seed, letPass)).faults.length
    assert.ok(found > 0)
  })
})
