import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canonicalPath } from '../../engine/config/canonical-path.ts'

describe('canonicalPath()', () => {
  it('never leaves a dot segment, and changes nothing the second time', () => {
    const segment = fc.oneof(
      fc.constantFrom('.', '..', '', '%2e', '%2E%2e', 'a%20b'),
      fc.stringMatching(/^[a-z0-9]{1,5}$/),
    )
    fc.assert(
      fc.property(fc.array(segment), segments => {
        const path = canonicalPath(`/${segments.join('/')}`)
        assert.ok(!/\/\.\.?(\/|$)/.test(path), path)
        assert.equal(canonicalPath(path.replaceAll('%', '%25')), path)
      }),
    )
  })

  it('is empty for a path that can be read in two ways', () => {
    for (const path of ['/a%2fb', '/a%5Cb', '/a%00', '/a%', '/a%g1', '/a%1', '/a\\b'])
      assert.equal(canonicalPath(path), '')
  })
})
