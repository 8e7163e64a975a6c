import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../../engine/config/parse.ts'

function messages(service: string, rest = ''): string[] {
  const result = parseConfig(`services: { a: { ${service} } }\n${rest}`, { env: {} })
  return 'problems' in result ? result.problems.map(({ path, message }) => `${path}: ${message}`) : []
}

test('a key of a later version is refused rather than ignored', () => {
  const refused: [string, string, string][] = [['', 'cluster: { node: n }', 'cluster']]
  for (const [service, rest, path] of refused) {
    assert.deepEqual(messages(service, rest), [`${path}: not available in this version; remove it`])
  }
})

test('a key of a later version passes where it asks for what this one does', () => {
  assert.deepEqual(messages('', 'cluster: {}'), [])
})
