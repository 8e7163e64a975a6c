// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment look like that.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseConfig } from '../../engine/config/parse.ts'

const YAML = `listen: ["127.0.0.1:1", { address: "[::1]:2" }]
services:
  api: &api
    policy: { name: weighted-round-robin, schedule: stride }
    endpoints:
      - { id: a, url: "http://a:1", metadata: { v: "\${V:-1}" } }
    healthCheck: { interval: 1s }
  other: *api
routes: [{ match: { path: /v1/ }, service: api }]
`

/** What a slip, or malice, could put anywhere into a text. */
const SCRAPS =
  '[ ] { } : , - # " \' | > ? ~ & * ! % @ ` \\ \t \r \n \0 \u2028 \ufeff ${ ${A} $${ *api &api <<: !!int !x 0x1f .nan .inf 1e999 null true'.split(
    ' ',
  )
const scrap = fc.oneof(
  fc.constantFrom(...SCRAPS, '\n  ', '\n---\n', '\n...\n', '%YAML 1.1\n---\n', '\n__proto__: ', '\n? ', '\n- '),
  fc.string({ maxLength: 3 }),
)

test('parseConfig() never throws, and every problem has a place and a sentence of the house', () => {
  const slip = fc.record({ at: fc.nat({ max: YAML.length }), drop: fc.nat({ max: 6 }), scrap })
  fc.assert(
    fc.property(fc.array(slip, { minLength: 1, maxLength: 4 }), slips => {
      const text = slips.reduce(
        (whole, { at, drop, scrap }) => whole.slice(0, at) + scrap + whole.slice(at + drop),
        YAML,
      )
      const result = parseConfig(text, { env: {} })
      if ('config' in result) return
      assert.ok(result.problems.length > 0)
      const rows = text.split('\n').length
      for (const { line, column, message } of result.problems) {
        assert.ok(line! >= 1 && line! <= rows && column! >= 1, `${line}:${column}: ${message}`)
        assert.doesNotMatch(message, /^Invalid|undefined|\[object/)
      }
    }),
    { numRuns: 500 },
  )
})
