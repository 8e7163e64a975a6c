import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashOf } from '../../engine/proxy/routes/request-key.ts'
import { loneService } from '../../native-bench/policies/lone-service.ts'
import { journey, journeys, requestsFor, routesOf } from '../../native-bench/router/journey.ts'

for (const kind of ['by host', 'by path'] as const) {
  for (const count of [1, 10, 1000]) {
    test(`each request finds the one route it is for, of ${count} ${kind}`, () => {
      const table = routesOf(kind, count, route => route)
      const requests = requestsFor(kind, count)
      const found = requests.map(({ host, target, request }) => table.find(host, target, request, false))
      assert.deepEqual(
        found,
        requests.map(({ route }) => route),
      )
      // 1,024 requests by chance: of 1,000 routes some 1 − 1/e are asked for, of ten all.
      assert.ok(new Set(found).size >= Math.min(count, 600), `${new Set(found).size} routes`)
    })
  }
}

test('a journey picks by the key of the request and settles what it picks', async t => {
  const service = await loneService('maglev', {}, 64)
  t.after(() => service.close())
  const hash = hashOf({ name: 'maglev', hash: { header: 'x-user' } })!
  const requests = requestsFor('by host', 10)
  const { router, attachment } = service
  const batch = journeys(
    routesOf('by host', 10, () => ({ router, hashOf: hash })),
    requests,
  )
  batch(3000, 5)
  const { tally } = attachment
  const rows = Array.from({ length: 64 }, (_, row) => row)
  assert.equal(
    rows.reduce((sum, row) => sum + tally.inflight(row), 0),
    0,
  )
  // As many keys as there are requests: all endpoints have some.
  const hashes = new Set(requests.map(({ request, target }) => hash(request, target, { client: '' })))
  assert.equal(hashes.size, requests.length)
})

test('the picture of journeys is drawn of what was measured', () => {
  const row = { nsP99: 1, spreadPercent: 1, samples: 1 }
  const rows = (journey.subjects ?? []).map(({ name }, i) => ({ ...row, name, nsMedian: 100 + i }))
  const svg = journey.plots!({ rows, standings: [], missing: [] }, 'a machine')['journey.svg']!
  assert.equal(svg.match(/<path d="M[^"]*L[^"]*L/g)?.length, 6)
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/)
})
