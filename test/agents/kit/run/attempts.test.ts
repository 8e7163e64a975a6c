import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { type Action, defineAction } from '../../../../agents/kit/grammar/action.ts'
import { defineAgent } from '../../../../agents/kit/grammar/agent.ts'
import { act, type Step } from '../../../../agents/kit/grammar/directive.ts'
import { actionFailed } from '../../../../agents/kit/grammar/own-signals.ts'
import { trusted } from '../../../../agents/kit/grammar/schema.ts'
import { defineSignal } from '../../../../agents/kit/grammar/signal.ts'
import { run } from './tiny-runner.ts'

const answered = defineSignal('signalbox.test.answered', { data: trusted<string>() })

/** An agent that acts once at its start, and notes what it hears: results, and failures if it listens to them. */
function acting<Params>(action: Action<Params, 'signalbox.test.answered', string>, params: Params, listens = true) {
  return run(
    defineAgent({
      name: 'actor',
      role: 'actor',
      listens: listens ? [actionFailed] : [],
      actions: [action],
      start: (): Step<readonly unknown[]> => ({ state: [], directives: [act(action, params)] }),
      decide: (state, { data }) => ({ state: [...state, data], directives: [] }),
    }),
  )
}

/** An action that fails so many times before it answers. */
function failing(times: number, more: Partial<Action<null, 'signalbox.test.answered', string>> = {}) {
  const tries: number[] = []
  const action = defineAction({
    name: 'try',
    done: answered,
    run: (_: null, { now }) => {
      tries.push(now())
      if (tries.length <= times) throw new Error('not yet')
      return 'done'
    },
    ...more,
  })
  return { action, tries }
}

test('an action that fails is tried once more after 250 ms, and its result comes as if nothing had been', async () => {
  const { action, tries } = failing(1)
  const { runner, advance } = acting(action, null)
  assert.deepEqual(runner.state, [])
  await advance(240)
  assert.deepEqual(tries, [0])
  await advance(20)
  assert.deepEqual(tries, [0, 250])
  assert.deepEqual(runner.state, ['done'])
})

test('each further attempt waits twice as long, thirty seconds at most', async () => {
  const { action, tries } = failing(9, { retries: 9, backoffMs: 1_000 })
  const { advance } = acting(action, null)
  await advance(200_000)
  // 1, 2, 4, 8, 16, then 30 four times.
  assert.deepEqual(
    tries,
    [0, 1, 3, 7, 15, 31, 61, 91, 121, 151].map(seconds => seconds * 1_000),
  )
})

test('an action of which every attempt has failed is told to an agent that listens to that', async () => {
  const { action } = failing(5, { retries: 2, backoffMs: 100 })
  const { runner, advance, faults } = acting(action, null)
  await advance(1_000)
  assert.deepEqual(runner.state, [{ action: 'try', params: null, fault: 'not yet', attempts: 3, tookMs: 300 }])
  assert.deepEqual(faults, [])
})

test('an action of which every attempt has failed ends an agent that does not listen to that', async () => {
  const { action } = failing(5)
  const { advance, faults } = acting(action, null, false)
  await advance(1_000)
  assert.deepEqual(faults, ['action try has failed 2 times: not yet'])
})

test('an attempt that takes too long is told to stop, and what it says later counts for nothing', async () => {
  const stopped: number[] = []
  const action = defineAction({
    name: 'sleep',
    done: answered,
    timeoutMs: 1_000,
    retries: 0,
    run: (_: null, { now, later, signal }) =>
      new Promise<string>(resolve => {
        signal.addEventListener('abort', () => stopped.push(now()))
        later(1_500, () => resolve('late'))
      }),
  })
  const { runner, advance } = acting(action, null)
  await advance(3_000)
  assert.deepEqual(stopped, [1_000])
  assert.deepEqual(runner.state, [
    { action: 'sleep', params: null, fault: 'it took longer than 1000 ms', attempts: 1, tookMs: 1_000 },
  ])
})

test('an attempt without a time limit waits as long as it likes', async () => {
  const action = defineAction({
    name: 'sleep',
    done: answered,
    timeoutMs: 0,
    run: (_: null, { later }) => new Promise<string>(resolve => later(500_000, () => resolve('at last'))),
  })
  const { runner, advance } = acting(action, null)
  await advance(500_100)
  assert.deepEqual(runner.state, ['at last'])
})

test('undo takes back what attempts that all failed may have done, once, before that is told', async () => {
  const done: string[] = []
  const action = defineAction({
    name: 'reserve',
    done: answered,
    retries: 1,
    run(params: string): string {
      done.push(`reserve ${params}`)
      throw new Error('no answer')
    },
    undo(params) {
      done.push(`release ${params}`)
    },
  })
  const { runner, advance } = acting(action, 'seat 4')
  await advance(1_000)
  assert.deepEqual(done, ['reserve seat 4', 'reserve seat 4', 'release seat 4'])
  assert.equal((runner.state as unknown[]).length, 1)
})

test('an undo that fails ends the agent: nobody knows what is true now', async () => {
  const action = defineAction({
    name: 'reserve',
    done: answered,
    retries: 0,
    run(_: null): string {
      throw new Error('no answer')
    },
    undo: () => Promise.reject(new Error('no answer either')),
  })
  const { advance, faults } = acting(action, null)
  await advance(1_000)
  assert.deepEqual(faults, ['action reserve failed (no answer), and so did its undo'])
})

test('params that the schema refuses are not run with, and what is wrong is told by name', async () => {
  let runs = 0
  const action = defineAction({
    name: 'weigh',
    params: z.object({ weight: z.number().min(0) }),
    done: answered,
    run: ({ weight }) => {
      runs++
      return `${weight}`
    },
  })
  const { runner } = acting(action, { weight: -1 })
  assert.equal(runs, 0)
  const [failure] = runner.state as [{ fault: string; attempts: number }]
  assert.match(failure.fault, /^it cannot be run with these params: weight: /)
  assert.equal(failure.attempts, 0)
})

test('an agent that is closed hears no result any more, and what is under way is told to stop', async () => {
  let isStopped = false
  const action = defineAction({
    name: 'sleep',
    done: answered,
    run: (_: null, { later, signal }) => {
      signal.addEventListener('abort', () => {
        isStopped = true
      })
      return new Promise<string>(resolve => later(100, () => resolve('late')))
    },
  })
  const { runner, advance, faults } = acting(action, null)
  runner.close()
  await advance(60_000)
  assert.equal(isStopped, true)
  assert.deepEqual(runner.state, [])
  assert.deepEqual(faults, [])
})
