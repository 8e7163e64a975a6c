import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sheddingRequested } from '../../../../agents/signals.ts'
import { resourceManagement } from '../../../../agents/skills/resources/resource-management.ts'
import { toldTwice } from '../mounted-twice.ts'

const wish = (from: string, by: string) => sheddingRequested.of({ service: 'api', from, by, forMs: 5_000 })

test('resource management mounted twice has two states, and hears nothing when it is unmounted (SK-23)', async () => {
  const { first, second } = await toldTwice(key => resourceManagement.mount(key, undefined), {
    before: wish('sheddable', 'a'),
    after: wish('critical', 'b'),
  })
  const wishers = (slice: typeof first): string[] => (slice.wishes.get('api') ?? []).map(({ by }) => by)
  assert.deepEqual([wishers(first), wishers(second)], [['a', 'b'], ['b']])
})
