import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canonicalPath, pathOf, withoutDots } from '../../engine/config/canonical-path.ts'
import { PathChange } from '../../engine/proxy/routes/path-change.ts'

describe('PathChange', () => {
  it('replaces what was matched, in whatever spelling it came, and no other byte', () => {
    const path = new PathChange({ prefix: '/v2/' }, '/api/')
    assert.equal(path.target('/api/'), '/v2/')
    assert.equal(path.target('/api/a%2Db?x=%zz&y=/../'), '/v2/a%2Db?x=%zz&y=/../')
    assert.equal(path.target('/%61p%69/b%20c'), '/v2/b%20c')
    assert.equal(path.target('/x/../api/a//b'), '/v2/a//b')
    assert.equal(path.target('/api/a?'), '/v2/a?')
    assert.equal(new PathChange({ prefix: '/b' }, '/%61').target('/a1'), '/b1')
  })

  it('is not led out of its new beginning by dot segments', () => {
    const path = new PathChange({ prefix: '/public/' }, '/api/')
    assert.equal(path.target('/api/x/../../api/y'), '/public/y')
    assert.equal(path.target('/api/x/%2e%2E/y/.'), '/public/y/')
  })

  it('replaces the whole path and keeps the query', () => {
    const path = new PathChange({ path: '/graphql' }, undefined)
    assert.equal(path.target('/a%2fb?c?d'), '/graphql?c?d')
    assert.equal(path.target('/a'), '/graphql')
  })

  it('leaves a target alone where it replaces nothing', () => {
    assert.equal(new PathChange({}, '/a').target('/a/../%zz?b/../c'), '/a/../%zz?b/../c')
  })

  it('leads where the canonical path says: its new beginning, then what came after the old one', () => {
    const segment = fc.oneof(
      fc.constantFrom('.', '..', '', '%2e', '%2E.', '%252e', '...', 'a%20b', '%41'),
      fc.stringMatching(/^[a-z0-9]{1,4}$/),
    )
    const query = fc.constantFrom('', '?', '?a=../b&c=%zz')
    fc.assert(
      fc.property(fc.array(segment), query, fc.nat(), (segments, tail, cut) => {
        const target = `/${segments.join('/')}`
        const canonical = canonicalPath(target)
        assert.equal(canonicalPath(withoutDots(target)), canonical)
        // A beginning that a route could have matched: up to one of the slashes of the canonical path.
        const ends = [...canonical.matchAll(/\//g)].map(({ index }) => index + 1)
        const matched = canonical.slice(0, ends[cut % ends.length])
        const changed = new PathChange({ prefix: '/new/' }, matched.replaceAll('%', '%25')).target(target + tail)
        assert.equal(canonicalPath(changed), `/new/${canonical.slice(matched.length)}`)
        assert.equal(changed.slice(pathOf(changed).length), tail)
      }),
      { numRuns: 2000 },
    )
  })
})
