import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Sequencer } from '../../../agents/bridge/sequencer.ts'
import { SequencerDesk } from '../../../agents/bridge/sequencer-desk.ts'
import type { Answer } from '../../../agents/bridge/store.ts'
import type { Asked, Noted, Told } from '../../../agents/bridge/wire.ts'

/** A desk whose time is handed in, and one who asks there. */
function startDesk(log?: { append(): void }) {
  const sequencer = new Sequencer()
  const desk = new SequencerDesk(sequencer, log)
  const told: (Told | Noted)[] = []
  const caller = { tell: (message: Told | Noted) => void told.push(message) }
  let id = 0
  const ask = (asked: Record<string, unknown> & { call: Asked['call'] }): number => {
    desk.ask(caller, { id: ++id, ...asked } as Asked)
    return id
  }
  const answerTo = (asked: number): unknown => {
    const found = told.find(message => 'id' in message && message.id === asked)
    return found !== undefined && 'answer' in found ? found.answer : undefined
  }
  return { sequencer, desk, caller, told, ask, answerTo }
}

describe('SequencerDesk', () => {
  it('ends a lease when its time is over, and says when that will be', () => {
    const { desk, ask, answerTo, sequencer } = startDesk()
    const granted = ask({ call: 'grant', ttlMs: 100 })
    assert.equal(desk.settle(1000), 1100)
    const lease = answerTo(granted) as string
    ask({ call: 'create', key: 'a', value: '1', lease })
    assert.equal(desk.settle(1050), 1100)
    assert.equal(desk.settle(1099), 1100)
    assert.ok(sequencer.get('a') !== undefined)
    assert.equal(desk.settle(1100), Number.POSITIVE_INFINITY)
    assert.equal(sequencer.get('a'), undefined)
  })

  it('hears who lived before it ends what has run out while it stood still', () => {
    const { desk, ask, answerTo, sequencer } = startDesk()
    const granted = ask({ call: 'grant', ttlMs: 100 })
    desk.settle(0)
    const lease = answerTo(granted) as string
    ask({ call: 'create', key: 'a', value: '1', lease })
    desk.settle(10)
    const kept = ask({ call: 'keep', lease })
    assert.equal(desk.settle(500), 600)
    assert.equal(answerTo(kept), true)
    assert.ok(sequencer.get('a') !== undefined)
    desk.settle(600)
    const late = ask({ call: 'keep', lease })
    desk.settle(601)
    assert.equal(answerTo(late), false)
  })

  it('answers nobody what it could not keep', () => {
    const log = {
      append(): void {
        throw new Error('no space left on device')
      },
    }
    const { desk, ask, told } = startDesk(log)
    ask({ call: 'create', key: 'a', value: '1' })
    assert.throws(() => desk.settle(0), /no space left/)
    assert.deepEqual(told, [])
  })

  it('answers before it tells of the change, and tells nothing to who has left', () => {
    const { desk, ask, told, caller } = startDesk()
    const watched = ask({ call: 'watch', prefix: '', revision: 0 })
    const created = ask({ call: 'create', key: 'a', value: '1' })
    desk.settle(0)
    assert.deepEqual(
      told.map(message => ('id' in message ? message.id : `of ${message.watch}`)),
      [watched, created, `of ${watched}`],
    )
    desk.leave(caller)
    const other = { tell: () => {} }
    desk.ask(other, { call: 'create', id: 1, key: 'b', value: '' })
    desk.settle(1)
    assert.equal(told.length, 3)
  })
})

describe('Sequencer', () => {
  it('says that changes are forgotten, where they are', () => {
    const sequencer = new Sequencer()
    for (let i = 0; i < 13_000; i++) sequencer.create(`k${i}`, '')
    assert.equal(sequencer.changesSince('', 0), undefined)
    assert.equal(sequencer.changesSince('', 12_999)?.length, 1)
    assert.equal(sequencer.changesSince('', 13_000)?.length, 0)
    assert.equal(sequencer.changesSince('', 13_001), undefined)
  })

  it('is the same again when its changes are made again, in the next term', () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      kind: fc.constantFrom('create', 'cas', 'remove', 'end'),
      isLeased: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const first = new Sequencer()
        let lease = first.grant(1000, 0)
        for (const [i, { key, kind, isLeased }] of steps.entries()) {
          const revision = first.get(key)?.revision ?? 0
          const by = isLeased ? lease : undefined
          let answer: Answer | undefined
          if (kind === 'create') answer = first.create(key, String(i), by)
          else if (kind === 'cas') answer = first.cas(key, String(i), revision, by)
          else if (kind === 'remove') answer = first.cas(key, undefined, revision)
          else first.end(lease)
          if (kind === 'end') lease = first.grant(1000, 0)
          assert.ok(answer === undefined || !answer.isMade || answer.revision === first.revision)
        }
        const again = new Sequencer(1)
        for (const written of first.takeWritten()) again.replay(written, 0)
        assert.deepEqual(again.list('').entries, first.list('').entries)
        assert.ok(again.revision >= 2 ** 32)
        first.expire(1000)
        again.expire(1000)
        assert.deepEqual(again.list('').entries, first.list('').entries)
      }),
    )
  })

  it('refuses a term that is none', () => {
    for (const term of [-1, 0.5, 2 ** 20, Number.NaN]) assert.throws(() => new Sequencer(term), RangeError)
  })
})
