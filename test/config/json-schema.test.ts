// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment look like that.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configJsonSchema } from '../../engine/config/json-schema.ts'

type Json = Record<string, unknown>

/** Every property of a JSON Schema, with its path; `*` stands for a name of the person's own. */
function* properties(schema: Json, path = ''): Generator<[string, Json, Json]> {
  for (const [key, property] of Object.entries((schema.properties ?? {}) as Record<string, Json>)) {
    yield [`${path}${key}`, property, schema]
    yield* properties(property, `${path}${key}.`)
  }
  for (const branch of (schema.anyOf ?? []) as Json[]) yield* properties(branch, path)
  if (schema.items) yield* properties(schema.items as Json, `${path}*.`)
  if (typeof schema.additionalProperties === 'object')
    yield* properties(schema.additionalProperties as Json, `${path}*.`)
}

test('every key of the JSON Schema is described, with its default or "Required"', () => {
  const seen = [...properties(configJsonSchema())]
  assert.ok(seen.length > 60, `${seen.length} keys`)
  for (const [path, property, holder] of seen) {
    const description = String(property.description)
    if (((holder.required ?? []) as string[]).includes(path.split('.').at(-1)!)) {
      assert.match(description, /Required\.|Port 0: any free port\.$/, path)
    } else {
      assert.match(description, /Default|None: the only service/, path)
    }
  }
})

test('a default told in words is the default that is taken', () => {
  for (const [path, property] of properties(configJsonSchema())) {
    const told = /Default (\S+)\.$/.exec(String(property.description))?.[1]
    if (told === undefined || ['none', 'empty', 'absent'].includes(told)) continue
    // What a policy takes for an option that is not written, it says itself: the schema cannot, it does not know the policy.
    if (path.startsWith('services.*.policy.')) continue
    assert.equal(String(property.default), told, path)
  }
})

test('the JSON Schema is draft 2020-12, refuses unknown keys, and knows nothing of the machine it was made on', () => {
  const schema = configJsonSchema()
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema')
  assert.equal(schema.additionalProperties, false)
  assert.deepEqual(schema.required, ['services'])
  const { workers, listen, limits } = schema.properties as Record<string, Json>
  assert.equal(workers!.default, undefined)
  assert.equal((listen!.anyOf as Json[]).length, 3)
  const { headerTimeout } = limits!.properties as Record<string, Json>
  const [text] = headerTimeout!.anyOf as { pattern: string }[]
  assert.match('10s', new RegExp(text!.pattern))
  assert.match('${TIMEOUT:-10s}', new RegExp(text!.pattern))
  assert.doesNotMatch('10', new RegExp(text!.pattern))
})

test('configJsonSchema() gives a new object each time', () => {
  delete configJsonSchema().properties
  assert.ok(configJsonSchema().properties)
})
