// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment look like that.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { escapeReferences, interpolateText, interpolateTree } from '../../engine/config/interpolate.ts'
import type { Finding } from '../../engine/config/problems.ts'

const env = { NAME: 'ada', EMPTY: '', TRICKY: '${NAME}' }

test('interpolateText() puts values of the environment in, once', () => {
  const cases: [string, string][] = [
    ['plain', 'plain'],
    ['${NAME}', 'ada'],
    ['a-${NAME}-b-${NAME}', 'a-ada-b-ada'],
    ['${EMPTY}', ''],
    ['${EMPTY:-x}', 'x'],
    ['${MISSING:-x}', 'x'],
    ['${MISSING:-}', ''],
    ['${NAME:-x}', 'ada'],
    ['$NAME and $', '$NAME and $'],
    ['$${NAME}', '${NAME}'],
    ['${TRICKY}', '${NAME}'],
  ]
  for (const [text, value] of cases) assert.deepEqual(interpolateText(text, env), { value }, text)
})

test('interpolateText() says which name the environment lacks, and what it cannot read', () => {
  const fault = (text: string) => {
    const reading = interpolateText(text, env)
    return 'fault' in reading ? reading.fault : `read as ${reading.value}`
  }
  assert.equal(fault('${MISSING}'), 'the environment has no MISSING; set it, or write ${MISSING:-default}')
  // Names that every object answers to are no variables.
  assert.match(fault('${toString}'), /has no toString/)
  for (const text of ['${', '${}', '${1A}', '${NAME', '${NAME-x}']) {
    assert.match(fault(text), /has a reference that cannot be read; write \$\{NAME\} or/, text)
  }
})

test('escapeReferences() makes any text literal', () => {
  const unit = fc.constantFrom('$', '{', '}', 'N', ':-', '${', '$$')
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(unit).map(parts => parts.join('')),
      ),
      text => {
        assert.deepEqual(interpolateText(escapeReferences(text), {}), { value: text })
      },
    ),
  )
})

test('interpolateTree() copies, keeps keys as they are, and refuses what reaches a prototype', () => {
  const findings: Finding[] = []
  const hostile = JSON.parse(
    '{"${NAME}": ["${NAME}"], "__proto__": {"isAdmin": true}, "a": {"constructor": 1, "b": 2}}',
  )
  const copied = interpolateTree(hostile, env, finding => findings.push(finding)) as Record<string, unknown>
  assert.deepEqual(copied, { '${NAME}': ['ada'], a: { b: 2 } })
  assert.equal('isAdmin' in copied, false)
  assert.equal(({} as Record<string, unknown>).isAdmin, undefined)
  assert.deepEqual(
    findings.map(finding => finding.path),
    [['__proto__'], ['a', 'constructor']],
  )
})

test('interpolateTree() reports what no text could hold, a ring and a tower', () => {
  const ring: Record<string, unknown> = {}
  ring.self = ring
  let tower: unknown = 1
  for (let level = 0; level < 1000; level++) tower = [tower]
  const said = (tree: unknown) => {
    const messages: string[] = []
    interpolateTree(tree, env, finding => messages.push(finding.message))
    return messages
  }
  assert.deepEqual(said({ at: new Date(0), run() {} }), Array(2).fill(said(new Map())[0]))
  assert.match(said(ring)[0]!, /contains itself/)
  assert.match(said(tower)[0]!, /nested deeper than 64 levels/)
})

test('interpolateTree() without an environment takes texts as they are', () => {
  assert.deepEqual(
    interpolateTree({ a: '${HOME}' }, undefined, () => assert.fail()),
    { a: '${HOME}' },
  )
})
