import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAdmin } from '../../engine/admin/admin.ts'
import type { AgentStatus, RunningControl } from '../../engine/box/control.ts'
import { adminWorld, TWO_SERVICES } from '../admin/admin-world.ts'
import { eventually } from '../support/eventually.ts'
import { BROWSER, openPage, type Page } from './browser.ts'

const options = {
  skip:
    BROWSER === undefined &&
    'no Chromium here, so nobody looked at the dashboard; install it: apt-get install -y chromium',
  timeout: 60_000,
}
const DEADLINE_MS = 30_000

const textOf = (page: Page, id: string): Promise<string> => page.read(`document.getElementById('${id}')?.textContent`)
const textsOf = (page: Page, selector: string): Promise<string[]> =>
  page.read(`[...document.querySelectorAll('${selector}')].map(element => element.textContent)`)

test('the dashboard shows every endpoint with its state in words, and numbers that change', options, async t => {
  const { box, admin } = await adminWorld(t)
  const router = box.router('api')
  const traffic = setInterval(() => router.settle(router.pick(), 'ok', 3_000), 5)
  t.after(() => clearInterval(traffic))
  const page = await openPage(t, `http://127.0.0.1:${admin.port}/`)
  await eventually('a rate is shown', async () => Number(await textOf(page, 'total-requests')) > 0, DEADLINE_MS)
  assert.deepEqual(await textsOf(page, '.endpoints td.id'), ['a', 'b', '127.0.0.1:9003'])
  assert.deepEqual(await textsOf(page, '.state-cell'), ['open', 'open', 'open'])
  box.service('web').quarantine('127.0.0.1:9003')
  await eventually(
    'the change is shown',
    async () => (await textsOf(page, '.state-cell'))[2] === 'quarantined',
    DEADLINE_MS,
  )
  assert.equal(await textOf(page, 'total-open'), '2 of 3')
  // Told to screen readers: the list is a polite live region.
  assert.match((await textsOf(page, '#changes[aria-live=polite] li'))[0], /web \/ 127\.0\.0\.1:9003 is quarantined/)
  const drawn = await page.read<number>(`document.querySelectorAll('.sparkline path[d^="M"][d*="L"]').length`)
  assert.ok(drawn > 0, 'lines are drawn')
  assert.deepEqual(page.faults, [])
})

test('the dashboard tells what agents say', options, async t => {
  const data = { rule: 'error-rate', severity: 'critical', subject: 'api/a', reason: 'a fifth fails' }
  const event = { id: '1', type: 'signalbox.health.alerted', time: '2026-01-01T00:00:00Z', data }
  const hear: NonNullable<RunningControl['hear']> = (_, onEvent) => {
    onEvent({ id: '1', json: JSON.stringify(event) })
    return { isResumed: true, stop: () => {} }
  }
  const agent: AgentStatus = {
    ...{ name: 'health-monitor', group: 'health', state: 'running', incarnation: 1, restarts: 0, threadId: 1 },
    ...{ heartbeatAgeMs: 1, heapBytes: 1, handled: 0, dropped: 0, refusedWrites: 0, lastError: null },
  }
  const control = { status: () => [agent], close: async () => {}, kill: async () => {}, hear }
  const { admin } = await adminWorld(t, {}, TWO_SERVICES, { control: { start: async () => control } })
  const page = await openPage(t, `http://127.0.0.1:${admin.port}/`)
  const told = async () => (await textsOf(page, '#changes li span')).filter(text => text.startsWith('alert'))
  await eventually('it is told', async () => (await told()).length > 0, DEADLINE_MS)
  assert.deepEqual(await told(), ['alert error-rate is raised for api/a (a fifth fails)'])
  assert.deepEqual(page.faults, [])
})

test(
  'the dashboard shows which config is in force, since when, from where, and that the next was refused',
  options,
  async t => {
    const { box, admin } = await adminWorld(t, { configFile: '/etc/signalbox.yaml' })
    const page = await openPage(t, `http://127.0.0.1:${admin.port}/`)
    await eventually('the first is shown', async () => (await textOf(page, 'config')) === 'no. 1', DEADLINE_MS)
    await box.reload({ ...TWO_SERVICES, zone: 'z9' })
    await eventually('the second is shown', async () => (await textOf(page, 'config')) === 'no. 2', DEADLINE_MS)
    const shown = await page.read<string>(`new Date(${box.configStatus().sinceMs}).toLocaleString()`)
    assert.equal(await textOf(page, 'config-note'), `config no. 2 from /etc/signalbox.yaml, in force since ${shown}`)
    assert.match((await textsOf(page, '#changes li'))[0], /config no\. 2 is in force$/)
    await assert.rejects(box.reload({ services: {} }))
    await eventually('it is said', async () => (await textOf(page, 'config')) === 'no. 2, kept', DEADLINE_MS)
    assert.match(await textOf(page, 'config-note'), /refused: the log says why$/)
    assert.deepEqual(page.faults, [])
  },
)

test('the dashboard says when the connection is lost, and goes on when the engine is back', options, async t => {
  const { box, admin } = await adminWorld(t)
  const page = await openPage(t, `http://127.0.0.1:${admin.port}/`)
  await eventually('it is live', async () => (await textOf(page, 'link')) === 'live', DEADLINE_MS)
  await admin.close()
  await eventually(
    'the loss is said',
    async () => (await textOf(page, 'link')).includes('connection lost, retrying'),
    DEADLINE_MS,
  )
  const listen = { address: '127.0.0.1', port: admin.port }
  const again = await startAdmin(box, { listen, isReady: () => false, version: '1.2.4' })
  t.after(() => again.close())
  await eventually('it is live again', async () => (await textOf(page, 'version')) === 'signalbox 1.2.4', DEADLINE_MS)
  assert.equal(await textOf(page, 'link'), 'live, not taking requests')
})

test('the dashboard asks for the token where reading needs one, and shows nothing before', options, async t => {
  const { admin } = await adminWorld(t, { token: 'sesame', listen: { address: '127.1', port: 0 } })
  const page = await openPage(t, `http://127.0.0.1:${admin.port}/`)
  const isAsking = () => page.read<boolean>(`!document.getElementById('ask').hidden`)
  const give = (token: string) =>
    page.read(`document.getElementById('token').value = '${token}'; document.getElementById('ask').requestSubmit()`)
  await eventually('it asks', isAsking, DEADLINE_MS)
  assert.deepEqual(await textsOf(page, '.endpoints td.id'), [])
  await give('wrong')
  await eventually(
    'it says so',
    async () => (await textOf(page, 'ask-fault')) === 'That was not the token.',
    DEADLINE_MS,
  )
  await give('sesame')
  await eventually('it shows', async () => (await textsOf(page, '.endpoints td.id')).length === 3, DEADLINE_MS)
  assert.equal(await isAsking(), false)
})
