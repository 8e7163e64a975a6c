import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const MAIN = fileURLToPath(new URL('./faults.main.js', import.meta.url))

// biome-ignore lint/suspicious/noExplicitAny: what a fault comes to is its own affair, and each test looks at what it promises
type Outcome = any

/** All of them are under way from the beginning, in two processes: each is some seconds of a busy machine. */
function play(...faults: string[]): Promise<Outcome> {
  const playing = promisify(execFile)(process.execPath, [MAIN, ...faults], { maxBuffer: 2 ** 26 })
  playing.catch(() => {})
  return playing.then(({ stdout }) => JSON.parse(stdout))
}
const some = play('F4', 'F5', 'F6', 'F7', 'F9', 'lease')
const others = play('F8', 'F8b', 'unguarded', 'F10', 'F11', 'F12')

const PATIENT = { timeout: 300_000 }

test(
  'a node that stands still for 300 ms is not missed; after 5 s it is dead and then alive, for each other once (F4)',
  PATIENT,
  async () => {
    const { short, long } = (await some).F4
    assert.deepEqual(short, [])
    const each = (at: string): string[] => [
      `${at}: b alive → suspect`,
      `${at}: b suspect → dead`,
      `${at}: b dead → alive`,
    ]
    for (const at of ['a', 'c'])
      assert.deepEqual(
        long.filter((line: string) => line.startsWith(at)),
        each(at),
      )
    // It itself found nobody missing when it went on.
    assert.equal(long.length, 6)
  },
)

test(
  'a leader that stands still longer than its lease acts no more when it goes on: nothing is done twice (F4)',
  PATIENT,
  async () => {
    const { leader, led, outOfOrder, deeds } = (await some).F4
    assert.equal(led.length, 1, `${led}`)
    assert.ok(!led[0].startsWith(leader), `${led} after ${leader}`)
    assert.equal(outOfOrder, 0)
    assert.ok(deeds > 100, `${deeds}`)
  },
)

test(
  'a node that gets a twentieth of its time convicts nobody and knows that it is unwell; well again it finds who is dead (F5)',
  PATIENT,
  async () => {
    const { changes, worst, after, seen } = (await some).F5
    assert.deepEqual(
      changes.filter((line: string) => line.endsWith('dead')),
      [],
    )
    assert.ok(worst >= 4, `${worst}`)
    assert.equal(after, 0)
    assert.deepEqual(seen, ['c: a alive → suspect', 'c: a suspect → dead'], 'the test has eyes')
  },
)

test(
  'a node that is not heard one way is vouched for by others; who does not hear it holds it against itself (F6)',
  PATIENT,
  async () => {
    const { changes, worst, held, after } = (await some).F6
    assert.deepEqual(changes, [])
    assert.ok(worst[1] >= 1, `${worst}`)
    // Both ends of the broken link give way, and nobody else; they have their rights again when it is whole.
    assert.deepEqual(held, ['-', '-', 'c', 'd', 'e'])
    assert.deepEqual(after, ['a', 'b', 'c', 'd', 'e'])
  },
)

test(
  'where a fifth of all messages is lost nobody is convicted in a minute, and who is really dead is (F7)',
  PATIENT,
  async t => {
    const { changes, sent, lost, rights, dead } = (await some).F7
    t.diagnostic(`${lost} of ${sent} messages lost; who is killed then is dead after ${dead.join(', ')} ms`)
    assert.ok(lost / sent > 0.15, `${lost} of ${sent}`)
    assert.deepEqual(
      changes.filter((line: string) => line.endsWith('dead')),
      [],
    )
    assert.deepEqual(rights, ['a', 'b', 'c', 'd', 'e'])
    assert.deepEqual(dead.map((line: string) => line.slice(0, 3)).sort(), ['a e', 'b e', 'c e', 'd e'])
  },
)

for (const [fault, store] of [
  ['F8', 'whom both reach the store'],
  ['F8b', 'of whom the two do not reach the store'],
] as const) {
  test(
    `of three nodes here and two there, ${store}, the three decide, the two have no quorum, all route; healed, all see the same within 2 s (F8, AG-7, D39)`,
    PATIENT,
    async t => {
      const { held, told, answers, detected, healed, after, agreed, routed } = (await others)[fault]
      t.diagnostic(told.join('; '))
      assert.deepEqual(held, ['a', 'b', 'c', '-', '-'])
      assert.deepEqual(answers, { majority: 'accepted', minority: 'SBX_NO_QUORUM' })
      assert.equal(detected.length, 5, `${detected}`)
      for (const [at, view] of healed.entries()) {
        const all = ['a', 'b', 'c', 'd', 'e'].filter((_, i) => i !== at)
        assert.equal(view, all.map(node => `${node} alive`).join(' '))
      }
      assert.deepEqual(after, ['a', 'b', 'c', 'd', 'e'])
      for (const each of agreed) assert.deepEqual([each.isSame, each.silent], [true, []])
      assert.equal(routed.failed, 0)
      assert.ok(routed.picked > 1_500)
    },
  )
}

test('without a partition handler the two decide as well: the test of both sides has eyes', PATIENT, async () => {
  assert.deepEqual((await others).unguarded, { majority: 'accepted', minority: 'accepted' })
})

test('of three nodes that are all alone none decides, and all route (F9)', PATIENT, async () => {
  const { held, answers, after, routed } = (await some).F9
  assert.deepEqual(held, ['-', '-', '-'])
  assert.deepEqual(answers, ['SBX_NO_QUORUM', 'SBX_NO_QUORUM', 'SBX_NO_QUORUM'])
  assert.deepEqual(after, ['a', 'b', 'c'])
  assert.equal(routed.failed, 0)
})

test(
  'a link that is cut and whole by turns of a second changes the view twice at most in a minute (F10)',
  PATIENT,
  async () => {
    const { changes, rights } = (await others).F10
    assert.ok(changes.length <= 2, `${changes}`)
    assert.deepEqual(rights, ['a', 'b', 'c', 'd', 'e'])
  },
)

test(
  'wall clocks that jump by an hour change nothing: no node is missed, and all go on deciding (F11)',
  PATIENT,
  async () => {
    const { changes, answers, rights } = (await others).F11
    assert.deepEqual(changes, [])
    assert.deepEqual(answers, ['accepted', 'accepted'])
    assert.deepEqual(rights, ['a', 'b', 'c'])
  },
)

test(
  'while the store is down for ten minutes all route and nobody lies; all are registered within 5 s after (F12)',
  PATIENT,
  async t => {
    const { before, meanwhile, answer, restoredMs, changes, routed, after } = (await others).F12
    t.diagnostic(`registered again after ${restoredMs} ms; ${routed.picked} requests, ${routed.failed} failed`)
    assert.deepEqual([before, meanwhile], [3, 0])
    assert.ok(['unknown', 'SBX_PARTICIPANTS_INSUFFICIENT'].includes(answer), answer)
    assert.ok(restoredMs <= 5_000, `${restoredMs} ms`)
    assert.deepEqual(changes, [])
    assert.equal(routed.failed, 0)
    assert.equal(after, 'accepted')
  },
)

test(
  'under lease-majority the side that reaches the store decides, be it the lesser one (ALG-25)',
  PATIENT,
  async () => {
    const { held, answers, after } = (await some).lease
    assert.deepEqual(held, ['-', '-', '-', 'd', 'e'])
    assert.deepEqual(answers, ['SBX_NO_QUORUM', 'accepted'])
    assert.deepEqual(after, ['a', 'b', 'c', 'd', 'e'])
  },
)
