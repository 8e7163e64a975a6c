import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compilePattern, matchesPattern, type PathText, readCaptures } from '../../engine/config/path-pattern.ts'

/** A text that counts how often one of its characters is read. */
function counted(text: string): PathText & { steps: number } {
  return {
    steps: 0,
    length: text.length,
    charCodeAt(at: number) {
      this.steps++
      return text.charCodeAt(at)
    },
  }
}

describe('matchesPattern()', () => {
  it('takes one segment for {x} and anything for {x...} at the end', () => {
    const takes = (pattern: string, path: string) => matchesPattern(compilePattern(pattern), path)
    for (const path of ['/users/1/posts/', '/users/1/posts/a', '/users/{id}/posts//a/']) {
      assert.equal(takes('/users/{id}/posts/{rest...}', path), true, path)
    }
    for (const path of [
      '',
      '/',
      '/users/1/posts',
      '/users//posts/',
      '/users/1/2/posts/',
      '/users/1/postsx',
      '/user/1/posts/',
    ])
      assert.equal(takes('/users/{id}/posts/{rest...}', path), false, path)
    assert.equal(takes('/{a}/{b}', '/x/y'), true)
    assert.equal(takes('/{a}/{b}', '/x/y/'), false)
    assert.equal(takes('/{a}/', '/x/'), true)
    assert.equal(takes('/{all...}', '/'), true)
    assert.equal(takes('/a%20b/{x}', '/a b/1'), true, 'texts are compared in canonical form')
  })

  it('finds what a naive comparison of segments finds', () => {
    const word = fc.constantFrom('a', 'b', 'ab', '')
    const pattern = fc
      .tuple(
        fc.array(fc.oneof(word, fc.constant('{}')), { minLength: 1, maxLength: 5 }),
        fc.constantFrom('', '/{rest...}'),
      )
      .map(([segments, rest]) => `/${segments.map((each, i) => (each === '{}' ? `{x${i}}` : each)).join('/')}${rest}`)
    const path = fc.array(word, { maxLength: 7 }).map(segments => `/${segments.join('/')}`)
    fc.assert(
      fc.property(pattern, path, (written, text) => {
        assert.equal(matchesPattern(compilePattern(written), text), naive(written, text), `${written} ${text}`)
      }),
      { numRuns: 5000 },
    )
  })

  it('reads no character more than twice, whatever the path tries', () => {
    const long = 20_000
    const hostile = [
      '/'.repeat(long),
      `/${'a'.repeat(long)}`,
      '/a'.repeat(long / 2),
      `${'/a/b'.repeat(long / 4)}/`,
      `/a/${'a/'.repeat(long / 2)}b`,
      `/${'a'.repeat(long)}/b/${'a'.repeat(long)}`,
    ]
    const patterns = [
      '/{a}',
      '/{a}/b',
      '/{a}/{b...}',
      `${'/{x}'.repeat(40).replaceAll('x', () => 'x')}`,
      '/a/{b}/a/{c}/b',
    ]
    const deep = Array.from({ length: 1000 }, (_, i) => `{x${i}}`).join('/')
    for (const written of [...patterns, `/${deep}`, `/${deep}/b`, `/a/${deep}/{rest...}`]) {
      const pattern = compilePattern(written)
      for (const text of hostile) {
        const path = counted(text)
        matchesPattern(pattern, path)
        assert.ok(path.steps <= 2 * text.length, `${path.steps} steps over ${text.length} characters`)
      }
    }
    // The count has eyes: a path that is taken whole is read whole.
    const whole = counted(`/${'a'.repeat(long)}`)
    assert.equal(matchesPattern(compilePattern('/{a}'), whole), true)
    assert.ok(whole.steps > long)
  })
})

describe('readCaptures()', () => {
  const fault = (text: string): string => {
    const reading = readCaptures(text)
    return 'fault' in reading ? reading.fault : ''
  }

  it('says what is no pattern, and what to write', () => {
    assert.equal(fault('/users/{id}/{rest...}'), '')
    assert.match(fault('/users'), /has no \{name\}; write it as exactPath/)
    assert.match(fault('/users/a{id}'), /has "a\{id\}", which is no segment of a pattern/)
    for (const text of ['/{}', '/{1}', '/{a}{b}', '/{a', '/a}', '/{a..}', '/{...}', '/{a b}'])
      assert.match(fault(text), /no segment/)
    assert.match(fault('/{a...}/b'), /goes on after \{a\.\.\.\}, which takes all that is left; write it last/)
    assert.match(fault('/{a}/{a}'), /has \{a\} twice/)
  })
})

/** By the letter of the documentation, segment for segment. */
function naive(written: string, path: string): boolean {
  const wanted = written.split('/')
  const segments = path.split('/')
  const hasRest = wanted.at(-1) === '{rest...}'
  if (hasRest) wanted.pop()
  if (hasRest ? segments.length <= wanted.length : segments.length !== wanted.length) return false
  return wanted.every((each, i) => (each.startsWith('{') ? segments[i] !== '' : segments[i] === each))
}
