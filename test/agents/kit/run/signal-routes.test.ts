import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SignalRoutes } from '../../../../agents/kit/run/signal-routes.ts'

test('SignalRoutes leads a type to its targets: literally, by * for one segment, by ** for any number', () => {
  const routes = new SignalRoutes<string>()
  for (const pattern of ['a.b.c', 'a.*.c', 'a.**', '**', '**.c', 'a.b.c.**', 'a.*', '*.b', 'a.**.b.c']) {
    routes.add(pattern, pattern)
  }
  assert.deepEqual(routes.targets('a.b.c'), ['a.b.c', 'a.b.c.**', 'a.*.c', 'a.**.b.c', 'a.**', '**.c', '**'])
  assert.deepEqual(routes.targets('a'), ['a.**', '**'])
  assert.deepEqual(routes.targets('a.x'), ['a.*', 'a.**', '**'])
  assert.deepEqual(routes.targets('x.y.z'), ['**'])
})

test('SignalRoutes orders by priority, then by how specific, then by who came first', () => {
  const routes = new SignalRoutes<string>()
  routes.add('a.**', 'urgent', { priority: 100 })
  routes.add('a.*', 'second')
  routes.add('a.b', 'literal')
  routes.add('a.*', 'third')
  routes.add('a.b', 'late', { priority: -100 })
  assert.deepEqual(routes.targets('a.b'), ['urgent', 'literal', 'second', 'third', 'late'])
})

test('SignalRoutes names a target once, however many patterns lead to it', () => {
  const routes = new SignalRoutes<string>()
  routes.add('**', 'one')
  routes.add('a.*', 'other')
  routes.add('a.b', 'one')
  assert.deepEqual(routes.targets('a.b'), ['one', 'other'])
})

test('SignalRoutes forgets a route that was taken away, and what it remembered of it', () => {
  const routes = new SignalRoutes<string>()
  const remove = routes.add('a.**.c', 'gone')
  routes.add('a.**.c', 'stays')
  assert.deepEqual(routes.targets('a.b.c'), ['gone', 'stays'])
  assert.equal(routes.targets('a.b.c'), routes.targets('a.b.c'), 'the list is remembered')
  remove()
  remove()
  assert.equal(routes.size, 1)
  assert.deepEqual(routes.targets('a.b.c'), ['stays'])
})

test('SignalRoutes remembers a bounded number of types', () => {
  const routes = new SignalRoutes<string>()
  routes.add('**', 'all')
  const first = routes.targets('type-0')
  for (let i = 1; i <= 1024; i++) routes.targets(`type-${i}`)
  assert.notEqual(routes.targets('type-0'), first)
  assert.deepEqual(routes.targets('type-0'), first)
})

test('SignalRoutes takes a type literally, wildcards in it too', () => {
  const routes = new SignalRoutes<string>()
  routes.add('a.*', 'one')
  routes.add('a.**.z', 'many')
  assert.deepEqual(routes.targets('a.**'), ['one'])
  assert.deepEqual(routes.targets('a.*.z'), ['many'])
})

test('SignalRoutes says what is wrong with a pattern, and what it should be', () => {
  const routes = new SignalRoutes<string>()
  const faults: [pattern: string, fault: RegExp][] = [
    ['', /it is empty/],
    ['a..b', /a segment of it is empty/],
    ['.a', /a segment of it is empty/],
    ['a.b*', /its segment "b\*" is a wildcard and more/],
    ['a.***', /its segment "\*\*\*" is a wildcard and more/],
    ['a.b c', /its segment "b c" is not a word/],
    [Array(33).fill('a').join('.'), /more than 32 segments/],
    ['a'.repeat(256), /longer than 255 characters/],
  ]
  for (const [pattern, message] of faults) {
    assert.throws(() => routes.add(pattern, 'x'), { code: 'SBX_AGENT_INVALID', message }, pattern)
    assert.throws(() => routes.add(pattern, 'x'), { message: /write words of letters/ }, pattern)
  }
  for (const priority of [101, -101, 0.5, Number.NaN]) {
    assert.throws(() => routes.add('a', 'x', { priority }), { message: /a whole number from -100 to 100/ })
  }
  assert.equal(routes.size, 0)
})

test('SignalRoutes takes no longer for patterns that could be read in many ways', () => {
  const routes = new SignalRoutes<string>()
  // A matcher that tries one reading after the other would try C(40, 15) of them, some 40 thousand million.
  routes.add(Array(15).fill('**.a').join('.'), 'deep')
  assert.deepEqual(routes.targets(`${Array(40).fill('a').join('.')}.b`), [])
})

/** The same said naively: a regular expression for each pattern, and the order as the words of the promise put it. */
function naive(routes: readonly { pattern: string; priority: number }[], type: string): number[] {
  const isMatch = (pattern: string): boolean => {
    const parts = pattern
      .split('.')
      .map(part => (part === '**' ? '(\\.[^.]+)*' : part === '*' ? '\\.[^.]+' : `\\.${part}`))
    return new RegExp(`^${parts.join('')}$`).test(`.${type}`)
  }
  const weight = (part: string | undefined): number =>
    part === undefined ? 1 : part === '**' ? 0 : part === '*' ? 2 : 3
  const bySegments = (a: string, b: string): number => {
    const [left, right] = [a.split('.'), b.split('.')]
    for (let i = 0; i <= Math.max(left.length, right.length); i++) {
      if (weight(left[i]) !== weight(right[i])) return weight(right[i]) - weight(left[i])
    }
    return 0
  }
  return routes
    .map((route, index) => ({ ...route, index }))
    .filter(({ pattern }) => isMatch(pattern))
    .sort((a, b) => b.priority - a.priority || bySegments(a.pattern, b.pattern) || a.index - b.index)
    .map(({ index }) => index)
}

test('SignalRoutes agrees with a regular expression for each pattern, while routes come and go', () => {
  const word = fc.constantFrom('a', 'b', 'c')
  const pattern = fc.array(fc.oneof(word, fc.constantFrom('*', '**')), { minLength: 1, maxLength: 5 })
  const type = fc.array(word, { minLength: 1, maxLength: 6 }).map(segments => segments.join('.'))
  const route = fc.record({
    pattern: pattern.map(segments => segments.join('.')),
    priority: fc.integer({ min: -1, max: 1 }),
    isGone: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(route, { maxLength: 12 }), fc.array(type, { minLength: 1, maxLength: 8 }), (routes, types) => {
      const trie = new SignalRoutes<number>()
      const removals = routes.map(({ pattern, priority }, index) => trie.add(pattern, index, { priority }))
      for (const each of types) assert.deepEqual(trie.targets(each), naive(routes, each), each)
      for (const [index, { isGone }] of routes.entries()) if (isGone) removals[index]!()
      const left = routes.map(each => (each.isGone ? { ...each, pattern: 'none' } : each))
      for (const each of types) assert.deepEqual(trie.targets(each), naive(left, each), each)
    }),
    { numRuns: 500 },
  )
})
