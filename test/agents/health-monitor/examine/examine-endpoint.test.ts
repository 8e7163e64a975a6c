import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type ExamineParams, examineEndpoint } from '../../../../agents/health-monitor/examine/examine-endpoint.ts'
import { lookFor, passed } from '../../../../agents/health-monitor/examine/looks.ts'
import { sightingsAt } from '../../../../agents/health-monitor/sightings.ts'
import type { Part } from '../../../../agents/signals.ts'
import { concludeFrom } from '../../../../agents/skills/usual/examination-verdict.ts'
import { certificateFolder } from '../../../support/certificates.ts'
import { edgeOf, http, nowhere } from '../servers.ts'

const WELL = { last1m: 1, last5m: 1, last15m: 0.9999, requests1m: 500, requests15m: 9_000, burn: 0.1 }

async function examine(params: Partial<ExamineParams> & { url: string }, edge = edgeOf()) {
  const { parts, dependencies } = await examineEndpoint.run(
    {
      ...{
        row: 0,
        generation: 1,
        service: 'api',
        id: 'a',
        ticket: 7,
        kind: 'comprehensive',
        path: '/up',
        timeoutMs: 5_000,
      },
      thresholds: { cpu: 0.8, memory: 0.85, disk: 0.85, network: 0.85 },
      ...{ availability: WELL, availabilityGoal: 0.999, requestPath: undefined },
      ...{ certificateDays: { warn: 14, critical: 3 }, refusals: { seen: 0, max: 3 } },
      ...params,
    },
    edge,
  )
  const part = (name: Part['part']): Part => parts.find(each => each.part === name)!
  return { parts, part, dependencies, ...concludeFrom(parts), seen: () => sightingsAt(edge.attachment).take('test') }
}

const verdicts = (parts: readonly Part[]): Record<string, string> =>
  Object.fromEntries(parts.map(({ part, verdict }) => [part, verdict]))

async function reporting(t: Pick<TestContext, 'after'>, body: object): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const url = await http(t, (request, response) => {
    asked.push(request.url!)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  return { url, asked }
}

test('a comprehensive check looks from six sides at once, and asks for what two of them need once (ALG-14, D20, AC-24)', async t => {
  const { url, asked } = await reporting(t, { status: 'ok', cpu: 0.3, memory: 0.5 })
  const { parts, part, verdict, score, seen } = await examine({ url })
  assert.deepEqual(verdicts(parts), {
    ...{ connectivity: 'passed', application: 'passed', resources: 'passed', network: 'passed' },
    ...{ availability: 'passed', security: 'skipped' },
  })
  assert.deepEqual([verdict, score], ['healthy', 1])
  assert.deepEqual(asked, ['/up'])
  assert.deepEqual(part('resources').figures, { cpu: 0.3, memory: 0.5 })
  assert.ok(part('network').figures['network-latency']! > 0 && part('network').figures.loss === 0)
  // What it saw goes on to the sensors.
  assert.deepEqual(
    seen().flatMap(({ connects, status, load }) => [connects?.length ?? status ?? 0, load?.shares ?? null]),
    [200, { cpu: 0.3, memory: 0.5 }, 5, null],
  )
})

test('a part that is too late is late by itself alone, and the others stand (ALG-14)', async t => {
  const url = await http(t, () => {})
  const { parts, part, verdict } = await examine({ url, timeoutMs: 300 })
  assert.deepEqual(verdicts(parts), {
    ...{ connectivity: 'passed', application: 'timeout', resources: 'timeout', network: 'passed' },
    ...{ availability: 'passed', security: 'skipped' },
  })
  assert.deepEqual([part('application').reason, verdict], ['error: timeout', 'degraded'])
})

test('a part is a function that is called when it is due, once; what it throws is what it found (D20)', async () => {
  let calls = 0
  const look = () => {
    calls++
    return passed('seen')
  }
  const signal = new AbortController().signal
  assert.equal(calls, 0)
  assert.equal((await lookFor('network', look, 1_000, signal)).verdict, 'passed')
  assert.equal(calls, 1)
  const thrown = await lookFor('network', () => Promise.reject(new Error('broken')), 1_000, signal)
  assert.deepEqual([thrown.verdict, thrown.reason, thrown.isCritical], ['failed', 'broken', false])
  const late = await lookFor('network', () => new Promise(() => {}), 20, signal)
  assert.deepEqual([late.verdict, late.reason], ['timeout', 'error: timeout'])
})

test('an endpoint that is not there has failed; one that says it is short of something is degraded', async t => {
  const gone = await examine({ url: await nowhere() })
  assert.equal(gone.verdict, 'failed')
  assert.deepEqual([gone.part('network').verdict, gone.part('network').figures.loss], ['failed', 1])
  const { url } = await reporting(t, { status: 'ok', resources: { cpu: 0.81, memory: 0.2 } })
  const short = await examine({ url })
  assert.deepEqual([short.verdict, short.reasons], ['degraded', ['resources: cpu at 81 %']])
  assert.equal(short.part('resources').score, 0.5)
})

test('what an application says of itself makes it worse than its status, never better', async t => {
  assert.equal((await examine({ url: (await reporting(t, { status: 'fail' })).url })).verdict, 'failed')
  assert.equal((await examine({ url: (await reporting(t, { status: 'warn' })).url })).verdict, 'degraded')
  const liar = await http(t, (_, response) => {
    response.writeHead(503, { 'content-type': 'application/json' }).end('{"status":"ok"}')
  })
  assert.equal((await examine({ url: liar })).verdict, 'failed')
})

test('availability fails where it is below the goal in the last quarter of an hour, and goes on to be', async t => {
  const { url } = await reporting(t, { status: 'ok' })
  const at = async (change: Partial<typeof WELL>): Promise<string> =>
    (await examine({ url, availability: { ...WELL, ...change } })).part('availability').verdict
  assert.equal(await at({ last15m: 0.99, last1m: 0.99 }), 'failed')
  assert.equal(await at({ last15m: 0.99, last1m: 1 }), 'passed', 'it is over')
  assert.equal(await at({ last15m: 0.9, last1m: 0.9, requests15m: 50 }), 'passed', 'five of fifty say little')
  assert.equal((await examine({ url, availability: undefined })).part('availability').verdict, 'skipped')
})

test('a deep check also makes a request, reads the chain of certificates and asks for dependencies (AC-24)', async t => {
  const { url, asked } = await reporting(t, { status: 'ok', dependencies: { db: 'ok', cache: { status: 'down' } } })
  const { parts, part, dependencies, verdict } = await examine({ url, kind: 'deep', requestPath: '/shop' })
  assert.deepEqual(verdicts(parts), {
    ...{ connectivity: 'passed', application: 'passed', resources: 'skipped', network: 'passed' },
    ...{ availability: 'passed', security: 'skipped', synthetic: 'passed', chain: 'skipped', dependencies: 'failed' },
  })
  assert.deepEqual(asked.sort(), ['/shop', '/up'])
  assert.deepEqual(dependencies, [
    { name: 'db', status: 'passed' },
    { name: 'cache', status: 'failed' },
  ])
  assert.deepEqual([part('dependencies').reason, verdict], ['cache failed', 'degraded'])
})

async function secure(t: Pick<TestContext, 'after'>, days: number) {
  const folder = certificateFolder()
  t.after(() => folder.remove())
  const { cert, key } = folder.make('endpoint', 'IP:127.0.0.1', { days })
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_, response) => response.end())
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, upstream: { tls: { verify: true, minVersion: 'TLSv1.2', ca: cert } } } as const
}

test('a certificate that ends soon is told, one that ends at once has failed, and one that is not trusted too (SE-26)', async t => {
  const long = await examine({ ...(await secure(t, 90)), kind: 'deep' })
  assert.deepEqual([long.part('security').verdict, long.part('chain').verdict], ['passed', 'passed'])
  assert.ok(Math.abs(long.part('security').figures['certificate-days']! - 90) < 1)
  const soon = await examine(await secure(t, 10))
  assert.deepEqual([soon.part('security').verdict, soon.part('security').score], ['passed', 0.5])
  const { part, verdict, seen } = await examine(await secure(t, 2))
  assert.match(part('security').reason, /^its certificate ends in (1\.9|2\.0) days$/)
  assert.deepEqual([part('security').verdict, part('security').isCritical, verdict], ['failed', true, 'failed'])
  assert.equal(seen().find(each => each.tls)?.tls?.isTrusted, true)
  const { url } = await secure(t, 90)
  const stranger = await examine({ url })
  assert.deepEqual([stranger.part('security').reason, stranger.verdict], ['DEPTH_ZERO_SELF_SIGNED_CERT', 'failed'])
})

test('an endpoint that turns checks away of late has failed in security, and not in all (SE-26)', async t => {
  const { url } = await reporting(t, { status: 'ok' })
  const { part, verdict } = await examine({ url, refusals: { seen: 3, max: 3 } })
  assert.deepEqual([part('security').verdict, verdict], ['failed', 'degraded'])
})
