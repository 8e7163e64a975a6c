import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Said } from '../../../agents/node-discovery/answer.ts'
import { plansOf } from '../../../agents/node-discovery/plans.ts'
import { hearAnswer, newSource, type Source, speaks } from '../../../agents/node-discovery/source.ts'
import { Tries } from '../../../agents/node-discovery/tries.ts'
import { unverifiedOf, wantedOf } from '../../../agents/node-discovery/wanted.ts'
import { validateConfig } from '../../../engine/config/load.ts'

const [DNS, FILE] = plansOf(
  validateConfig({ services: { api: { discover: [{ dns: 'api.test' }, { file: '/etc/api.json' }] } } }),
)

function found(ids: string, isWhole = false, host = '10.0.0.1'): Said {
  const endpoints = [...ids].map(id => ({
    id,
    url: `http://${host}:8${id.charCodeAt(0)}`,
    zone: '',
    metadata: {},
    weight: 1,
    priority: 0,
  }))
  return { kind: 'found', endpoints, isWhole, faults: [] }
}

function after(...answers: readonly Said[]): Source {
  return answers.reduce((source, said) => hearAnswer(source, said), newSource(DNS!))
}

const idsOf = ({ held }: Source): string => [...held.keys()].sort().join('')

test('who is missing in one answer stays, in two in a row is gone', () => {
  assert.equal(idsOf(after(found('ab'), found('a'))), 'ab')
  assert.equal(idsOf(after(found('ab'), found('a'), found('a'))), 'a')
  assert.equal(idsOf(after(found('ab'), found('a'), found('ab'), found('a'))), 'ab')
})

test('a failure keeps what is known, and is known as such until an answer comes', () => {
  const failed = after(found('ab'), { kind: 'failed', reason: 'no answer' }, { kind: 'failed', reason: 'no answer' })
  assert.deepEqual([idsOf(failed), failed.fault], ['ab', 'no answer'])
  assert.equal(hearAnswer(failed, found('ab')).fault, '')
})

test('an answer of nothing takes nothing away however often it comes, and is known until somebody is named again', () => {
  const nobody = after(found('ab'), ...Array.from({ length: 20 }, () => found('')))
  assert.deepEqual([idsOf(nobody), nobody.fault], ['ab', 'it names no endpoint, and what it named before stays'])
  assert.equal(hearAnswer(after(found('ab')), found(''), true).fault, nobody.fault)
  // Who was left out before and after it was left out twice.
  assert.equal(idsOf(after(found('ab'), found('a'), found(''), found('a'))), 'a')
  const again = hearAnswer(nobody, found('ab'))
  assert.deepEqual([idsOf(again), again.fault], ['ab', ''])
})

test('what an earlier life had found stays as long as its source names nobody, unless that says all there is', () => {
  assert.equal(speaks(after(found(''), found(''), found(''))), false)
  assert.equal(speaks(hearAnswer(newSource(FILE!), found('', true))), true)
})

test('a source that says all there is is believed at once; who asks out of turn, or gets half an answer, only adds', () => {
  assert.equal(idsOf(hearAnswer(after(found('ab')), found('a', true))), 'a')
  const asked = hearAnswer(hearAnswer(after(found('ab')), found('c'), true), found('c'), true)
  assert.equal(idsOf(asked), 'abc')
  const half = { ...found('c'), isPartial: true } as Said
  assert.equal(idsOf(after(found('ab'), half, half)), 'abc')
})

test('what an earlier life had found stays until its source has said twice what there is', () => {
  assert.equal(speaks(after(found('a'))), false)
  assert.equal(speaks(after(found('a'), found('a'))), true)
  assert.equal(speaks(hearAnswer(newSource(FILE!), found('a', true))), true)
})

test('of two sources that give one id other addresses the one that was reached has it (ALG-1)', () => {
  const [near, far] = [found('ab', false, '10.0.0.1'), found('ab', false, '10.0.0.2')]
  const sources = [hearAnswer(newSource(DNS!), near), hearAnswer(newSource(FILE!), far)]
  const urls = (isReached: (url: string) => boolean) => wantedOf(sources, isReached).endpoints.map(({ url }) => url)
  assert.deepEqual(
    urls(() => true),
    ['http://10.0.0.1:897', 'http://10.0.0.1:898'],
  )
  assert.deepEqual(
    urls(url => url.includes('0.2')),
    ['http://10.0.0.2:897', 'http://10.0.0.2:898'],
  )
  const none = wantedOf(sources, () => false)
  assert.deepEqual(
    [none.endpoints, none.known, unverifiedOf(sources, () => false)],
    [
      [],
      ['a', 'b'],
      [
        { id: 'a', by: 'dns' },
        { id: 'b', by: 'dns' },
      ],
    ],
  )
})

test('Tries has 64 under way at a time, and comes back to who was missed after 1, 2, 4 … 60 s', () => {
  const tries = new Tries()
  for (let i = 0; i < 100; i++) tries.want(`u${i}`, 'api')
  const first = tries.take()
  assert.equal(first.length, 64)
  assert.deepEqual(tries.hear('u0', true), { services: ['api'], againMs: -1 })
  assert.deepEqual(tries.take(), ['u64'])
  const waits = Array.from({ length: 8 }, () => {
    const { againMs } = tries.hear('u1', false)
    tries.again('u1')
    return againMs
  })
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  tries.keep(url => url === 'u0')
  assert.deepEqual([tries.isReached('u0'), tries.hear('u2', true).services], [true, []])
})
