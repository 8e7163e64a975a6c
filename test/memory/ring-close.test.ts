import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRing } from '../../engine/memory/ring.ts'

test('close() within a drain gives the place back only when that drain has given back what it read', () => {
  const ring = createRing({ bytes: 1024, writers: 'many' })
  const writer = ring.writer()
  const reader = ring.reader()
  writer.write(1)
  writer.write(2)
  const heard: number[] = []
  reader.drain(type => {
    heard.push(type)
    reader.close()
    // Another thread may not read from here on until the batch is over.
    assert.throws(() => ring.reader(), { code: 'SBX_RING_INVALID' })
  })
  const heir = ring.reader()
  for (let n = 0; n < 100; n++) assert.ok(writer.write(100 + n))
  heir.drain(type => heard.push(type))
  assert.deepEqual(heard, [1, 2, ...Array.from({ length: 100 }, (_, n) => 100 + n)])
  assert.equal(ring.backlogBytes, 0)
})
