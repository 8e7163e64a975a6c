import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CHECK, type Entry } from './book.ts'
import type { Asked } from './client.ts'
import { type Fault, judge } from './judge.ts'

/** The judge has eyes: whatever the script of faults is to find is found here in books and answers made up for it. */

let nextId = 0

/** A request that went well, at `atMs`, in 3 ms, by origin a, but for what is said. */
const asked = (method: Asked['method'], but: Partial<Asked> = {}): Asked => ({
  id: nextId++,
  method,
  atMs: 0,
  tookMs: 3,
  status: 200,
  reason: '',
  origin: 'a',
  ...but,
})

const executed = ({ method, id }: Asked, origin = 'a'): Entry => ({ origin, atMs: 0, what: 'executed', method, id })
const answered = (origin: string, atMs: number, id = CHECK): Entry => ({
  origin,
  atMs,
  what: 'answered',
  method: 'GET',
  id,
})

const FROZEN: Fault = { origin: 'a', kind: 'frozen', fromMs: 1000, untilMs: 3000 }
const KILLED: Fault = { origin: 'a', kind: 'killed', fromMs: 1000, untilMs: 3000 }

describe('judge() counts', () => {
  it('finds nothing where all went well', () => {
    const get = asked('GET')
    const post = asked('POST')
    const verdict = judge([get, post], [executed(get), executed(post)], [])
    assert.deepEqual(
      [verdict.gets, verdict.posts, verdict.failedGets, verdict.duplicated, verdict.lost, verdict.failedPosts],
      [1, 1, [], [], [], []],
    )
  })

  it('finds a GET that failed, by status or without an answer', () => {
    const failed = [asked('GET', { status: 502, reason: 'upstream-broke' }), asked('GET', { status: 0 })]
    assert.deepEqual(judge([asked('GET'), ...failed], [], []).failedGets, failed)
  })

  it('finds a POST that two origins executed, or one twice, whether it was answered or not', () => {
    const posts = [asked('POST'), asked('POST', { status: 502 }), asked('POST')]
    const [first, second, third] = posts as [Asked, Asked, Asked]
    const books = [executed(first, 'a'), executed(first, 'b'), executed(second), executed(second), executed(third)]
    assert.deepEqual(judge(posts, books, []).duplicated, [first, second])
  })

  it('lets a GET be executed twice', () => {
    const get = asked('GET')
    assert.deepEqual(judge([get], [executed(get, 'a'), executed(get, 'b')], []).duplicated, [])
  })

  it('finds a POST that was answered 2xx and is in no book', () => {
    const lost = asked('POST')
    // Another request of the same origin does not make up for it, nor a GET in the books.
    const books = [executed(asked('POST')), executed({ ...lost, method: 'GET' })]
    assert.deepEqual(judge([lost], books, []).lost, [lost])
  })

  it('tells POSTs that failed from lost ones: they may be in one book or in none', () => {
    const failed = [asked('POST', { status: 502 }), asked('POST', { status: 0 })]
    const verdict = judge(failed, [executed(failed[0]!)], [])
    assert.deepEqual([verdict.failedPosts, verdict.lost, verdict.duplicated], [failed, [], []])
  })

  it('takes the 99th percentile and the longest of GETs alone', () => {
    const gets = Array.from({ length: 100 }, (_, i) => asked('GET', { tookMs: i + 1 }))
    const verdict = judge([...gets, asked('POST', { tookMs: 5000 })], [], [])
    // 99 of 100 are below the hundredth.
    assert.deepEqual([verdict.getMsP99, verdict.getMsMax], [100, 100])
  })
})

describe('judge() times', () => {
  it('is clear when the last request that was held up or failed began', () => {
    const all = [
      asked('GET', { atMs: 900, tookMs: 400 }), //    before it froze
      asked('GET', { atMs: 1040, tookMs: 101 }),
      asked('POST', { atMs: 1100, tookMs: 1900 }),
      asked('GET', { atMs: 1150, tookMs: 99 }), //    quick enough
      asked('POST', { atMs: 3000, tookMs: 500 }), //  after it went on
    ]
    assert.deepEqual(judge(all, [], [FROZEN]).clearMs, [100])
    assert.deepEqual(judge([...all, asked('POST', { atMs: 1700, status: 502 })], [], [FROZEN]).clearMs, [700])
    assert.deepEqual(judge([], [], [FROZEN]).clearMs, [0])
    assert.deepEqual(judge(all, [], [KILLED]).clearMs, [], 'a killed one refuses, and holds nobody up')
  })

  it('is back when a request that began after its return has its answer, from its first answer to anybody on', () => {
    const books = [answered('a', 3010), answered('b', 3001), answered('a', 3020)]
    const lain = asked('POST', { atMs: 1100, tookMs: 1905 })
    assert.deepEqual(judge([lain], books, [KILLED]).backMs, [Number.POSITIVE_INFINITY])
    const other = asked('GET', { atMs: 3001, origin: 'b' })
    const first = asked('GET', { atMs: 3100, tookMs: 10 })
    const second = asked('GET', { atMs: 3200, tookMs: 10 })
    assert.deepEqual(judge([second, lain, first, other], books, [KILLED]).backMs, [100])
    const failed = asked('GET', { atMs: 3050, status: 502 })
    assert.deepEqual(judge([failed, second], books, [FROZEN]).backMs, [200])
  })

  it('has no time below 0 where the first answer is one to a client', () => {
    const first = asked('GET', { atMs: 3000, tookMs: 9.9 })
    assert.deepEqual(judge([first], [answered('a', 3010, first.id)], [KILLED]).backMs, [0])
  })
})
