import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Edge } from '../../../agents/kit/grammar/action.ts'
import { settleService } from '../../../agents/node-discovery/settle-service.ts'
import type { Settled } from '../../../agents/node-discovery/signals.ts'
import { TableKeeper } from '../../../engine/box/table-keeper.ts'
import { TrialKeeper } from '../../../engine/box/trial-keeper.ts'
import type { NewEndpoint } from '../../../engine/memory/edit.ts'
import { CLOCK_MS_AT } from '../../../engine/memory/layout.ts'
import { NO_TRIAL, TRIAL_MS, trialState } from '../../../engine/memory/trial.ts'
import type { Router } from '../../../engine/router/router.ts'
import { planeWorld } from '../../plane/plane-world.ts'
import type { TinyEndpoint } from '../../support/tiny-endpoint.ts'

const metadata = { discovered: 'dns:api.test' }

function endpoint(id: string, url = `http://${id}.test`): NewEndpoint {
  return { id, url, zone: '', metadata, weight: 1, priority: 0 }
}

/** Where the router's next picks go, in order. */
function picked(router: Router): string {
  const urls = new Set<string>()
  for (let i = 0; i < 24; i++) {
    const ticket = router.pick()
    urls.add(new URL(router.endpoint(ticket).url).hostname.replace('.test', ''))
    router.settle(ticket, 'ok', 1)
  }
  return [...urls].sort().join(' ')
}

/** Endpoints that were found, and two threads that pick, of which the one that picks more tries what is new. */
function trialWorld(t: TestContext, ids: string) {
  const endpoints = Object.fromEntries([...ids].map((id): [string, TinyEndpoint] => [id, { metadata }]))
  const { world, plane } = planeWorld(t, endpoints, { policy: 'round-robin' })
  const log = (): void => {}
  const keeper = new TrialKeeper(world.attachment, new TableKeeper(world.attachment, log), log)
  const canary = world.routerOf(world.another())
  for (const router of [world.router, canary, canary]) picked(router)
  const wish = { service: 'api', silent: [], changed: [] }
  return {
    /** Whom the canary picks, and whom the others do. */
    picks: () => [picked(canary), picked(world.router)],
    isOnTrial: () => trialState(world.region) !== NO_TRIAL,
    settle: (...wanted: readonly NewEndpoint[]) =>
      settleService.run({ ...wish, endpoints: wanted, known: wanted.map(({ id }) => id) }, {
        attachment: plane,
      } as unknown as Edge) as Settled,
    pass(ms: number) {
      world.region.words[CLOCK_MS_AT] += ms
      keeper.look()
    },
  }
}

const NOTHING = { service: 'api', added: [], removed: [], refused: [] }

test('who was found and who is gone is tried by one thread for five seconds, and asked for once', t => {
  const { settle, picks, pass, isOnTrial } = trialWorld(t, 'abc')
  const wanted = [endpoint('a'), endpoint('b'), endpoint('x')]
  assert.deepEqual(settle(...wanted), { ...NOTHING, added: ['x'], removed: ['c'] })
  pass(TRIAL_MS - 1)
  assert.deepEqual(settle(...wanted), NOTHING, 'what is on trial is not asked for again')
  assert.deepEqual([isOnTrial(), ...picks()], [true, 'a b x', 'a b c'])
  pass(1)
  assert.deepEqual([isOnTrial(), ...picks()], [false, 'a b x', 'a b x'])
  assert.deepEqual(settle(...wanted), NOTHING)
})

test('who was gone and is named again while one thread tries to do without stays', t => {
  const { settle, picks, pass } = trialWorld(t, 'abc')
  settle(endpoint('a'), endpoint('b'))
  assert.deepEqual(picks(), ['a b', 'a b c'])
  assert.deepEqual(settle(endpoint('a'), endpoint('b'), endpoint('c')), { ...NOTHING, added: ['c'] })
  pass(TRIAL_MS)
  assert.deepEqual(picks(), ['a b c', 'a b c'])
})

test('one that has moved leaves on trial and comes when that is over, so that nobody is sent to two places by one id', t => {
  const { settle, picks, pass } = trialWorld(t, 'abc')
  const wanted = [endpoint('a'), endpoint('b'), endpoint('c', 'http://moved.test')]
  for (let i = 0; i < 2; i++) {
    const { added, removed, refused } = settle(...wanted)
    assert.deepEqual([added, removed, refused.map(({ wish, ids }) => `${wish} ${ids}`)], [[], [], ['add c']])
    assert.match(refused[0]!.because, /ask again/)
  }
  assert.deepEqual(picks(), ['a b', 'a b c'])
  pass(TRIAL_MS)
  assert.deepEqual(picks(), ['a b', 'a b'])
  assert.deepEqual(settle(...wanted), { ...NOTHING, added: ['c'] })
  pass(TRIAL_MS)
  assert.deepEqual(picks(), ['a b moved', 'a b moved'])
})

test('who comes while another has to wait for the end of a trial comes at once', t => {
  const { settle, picks, pass } = trialWorld(t, 'abc')
  const moved = endpoint('c', 'http://moved.test')
  settle(endpoint('a'), endpoint('b'), moved)
  settle(endpoint('a'), endpoint('b'), moved, endpoint('x'))
  assert.deepEqual(picks(), ['a b x', 'a b c'])
  pass(TRIAL_MS)
  settle(endpoint('a'), endpoint('b'), moved, endpoint('x'))
  pass(TRIAL_MS)
  assert.deepEqual(picks(), ['a b moved x', 'a b moved x'])
})
