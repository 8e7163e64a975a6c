import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRing } from '../../engine/memory/ring.ts'
import { seamWith, stepwise, withSeam } from './ring-steps.ts'

const KINDS = ['one', 'many'] as const

/** What is left of a record that was committed at this step of the reader's doze: 'read', 'nudged' or 'lost'; undefined: not so many steps. */
function fateAt(at: number, writers: (typeof KINDS)[number], seam = seamWith({})): string | undefined {
  const ring = createRing({ bytes: 1024, writers })
  const writer = ring.writer()
  const reader = ring.reader()
  let isWritten = false
  const isDozing = stepwise(
    () => reader.doze(),
    step => {
      if (step === at) isWritten = withSeam(seamWith({}), () => writer.write(1))
    },
    seam,
  )
  if (!isWritten) return undefined
  if (!isDozing) return reader.drain(() => {}) === 1 ? 'read' : 'lost'
  return writer.hasWoken ? 'nudged' : 'lost'
}

const fates = (writers: (typeof KINDS)[number], seam?: ReturnType<typeof seamWith>): Set<string | undefined> =>
  new Set(Array.from({ length: 20 }, (_, at) => fateAt(at, writers, seam)))

for (const writers of KINDS) {
  test(`a commit at any step of doze() is read at once or its writer is told to send word: ${writers} writer`, () => {
    assert.deepEqual(fates(writers), new Set(['read', 'nudged', undefined]))
  })

  test(`… and would be lost, if the doze were noted after the look: ${writers} writer`, () => {
    // The store takes effect only after doze() has returned: nobody sees it meanwhile.
    assert.ok(fates(writers, seamWith({ store: (_, __, value) => value })).has('lost'))
  })

  test(`a writer is told once of a doze, and not of a reader that is awake: ${writers} writer`, () => {
    const ring = createRing({ bytes: 1024, writers })
    const writer = ring.writer()
    const reader = ring.reader()
    writer.write(1)
    assert.equal(writer.hasWoken, false)
    assert.equal(reader.doze(), false, 'there is something to read')
    reader.drain(() => {})
    assert.equal(reader.doze(), true)
    writer.write(1)
    assert.equal(writer.hasWoken, true)
    writer.write(1)
    assert.equal(writer.hasWoken, false)
  })
}
