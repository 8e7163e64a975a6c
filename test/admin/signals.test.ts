import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import type { Signal } from '../../agents/kit/grammar/signal.ts'
import { Journal } from '../../agents/kit/outside/journal.ts'
import { SignalDesk } from '../../agents/kit/outside/signal-desk.ts'
import { SignalFeed } from '../../engine/admin/signal-feed.ts'
import type { EventMessage, HeardEvent, HearWish, RunningControl, Told } from '../../engine/box/control.ts'
import { SignalboxError } from '../../engine/errors.ts'
import { eventually } from '../support/eventually.ts'
import { adminWorld, ask, bearer, JSON_TYPE, TWO_SERVICES } from './admin-world.ts'

/** A control plane that notes what it is asked, and answers what the test says. */
class FakeControl implements RunningControl {
  readonly listeners = new Set<(event: HeardEvent) => void>()
  readonly wishes: HearWish[] = []
  readonly messages: EventMessage[] = []
  readonly redriven: (string | undefined)[] = []
  answer: Told = { isTaken: true, ids: ['1'] }

  status = () => []
  close = async () => {}
  kill = async () => {}

  async tell(message: EventMessage): Promise<Told> {
    this.messages.push(message)
    return this.answer
  }

  hear(wish: HearWish, onEvent: (event: HeardEvent) => void) {
    if (wish.types?.includes('a..b')) throw new SignalboxError('SBX_AGENT_INVALID', 'Cannot route "a..b": it is none')
    this.wishes.push(wish)
    const isResumed = wish.after !== 'long ago'
    if (wish.after === '1') onEvent({ id: '2', json: '{"id":"2"}' })
    this.listeners.add(onEvent)
    return { isResumed, stop: () => void this.listeners.delete(onEvent) }
  }

  async deadLetters() {
    const died = { overflow: 1 }
    return [{ agent: 'health-monitor', letters: [], died, telemetry: 1 }]
  }

  async redrive(agent?: string): Promise<number> {
    this.redriven.push(agent)
    return 3
  }

  explain(service: string, id: string) {
    return { factor: { value: 0.5, time: '', by: 'load-balancer', chain: [{ id: `${service}/${id}` }] } }
  }
}

async function world(t: TestContext, token = '') {
  const control = new FakeControl()
  const { admin, ask } = await adminWorld(t, { token }, TWO_SERVICES, { control: { start: async () => control } })
  return {
    control,
    admin,
    ask,
    tell: (headers: Record<string, string>, body = '{}') => ask('/api/v1/signals', { method: 'POST', headers, body }),
  }
}

test('what is told in binary mode is heard as a CloudEvent, and heard again by who asks for what came after', async t => {
  const delivered: Signal[] = []
  const desk = new SignalDesk({
    clock: { wallMs: () => 0 },
    journal: new Journal(),
    kinds: [],
    deliver: async signal => {
      delivered.push(signal)
      return { kind: 'taken' }
    },
    rowOf: () => undefined,
  })
  const control = Object.assign(new FakeControl(), {
    tell: desk.tell.bind(desk),
    hear: desk.hear.bind(desk),
  })
  const { admin, ask: answerTo } = await adminWorld(t, {}, TWO_SERVICES, { control: { start: async () => control } })
  const tell = (id: string) => {
    const headers = {
      ...JSON_TYPE,
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': '/ops',
      'ce-type': 'acme.door.opened',
    }
    return answerTo('/api/v1/signals', {
      method: 'POST',
      headers: { ...headers, 'ce-subject': 'caf%C3%A9' },
      body: '{"a":1}',
    })
  }
  assert.deepEqual((await tell('1')).json, { ids: ['1'] })
  assert.deepEqual((await tell('2')).json, { ids: ['2'] })
  assert.match((await tell('')).json.error.message, /^Cannot tell the agents: "id" is empty/)
  const stream = listen(admin.port, '/api/v1/signals?type=acme.**', { 'last-event-id': '1' })
  t.after(() => stream.leave())
  await eventually('it is heard', () => stream.blocks.length === 2)
  const event = {
    id: '2',
    specversion: '1.0',
    type: 'acme.door.opened',
    source: '/ops',
    subject: 'café',
    time: '1970-01-01T00:00:00.000Z',
    data: { a: 1 },
  }
  assert.deepEqual(delivered[1], event)
  const [id, json] = stream.blocks[1]!.split('\ndata: ')
  assert.deepEqual([id, JSON.parse(json!)], ['id: 2', { ...event, datacontenttype: 'application/json' }])
})

/** Opens the stream and collects its blocks. */
function listen(port: number, path: string, headers: Record<string, string> = {}) {
  const stream = { blocks: [] as string[], status: 0, type: '', isEnded: false, leave: () => sent.destroy() }
  const sent = request({ host: '127.0.0.1', port, path, headers, agent: false }, answer => {
    stream.status = answer.statusCode!
    stream.type = String(answer.headers['content-type'])
    let text = ''
    answer.setEncoding('utf8')
    answer.on('data', chunk => {
      const blocks = (text + chunk).split('\n\n')
      text = blocks.pop() as string
      stream.blocks.push(...blocks)
    })
    answer.on('error', () => {})
    answer.on('close', () => {
      stream.isEnded = true
    })
  })
  sent.on('error', () => {})
  sent.end()
  return stream
}

const STRUCTURED = { 'content-type': 'application/cloudevents+json' }

test('POST /api/v1/signals hands the message on as it came, and answers 202 with the ids', async t => {
  const { control, tell } = await world(t)
  const { status, json } = await tell({ ...STRUCTURED, 'ce-id': 'x' }, '{"a":1}')
  assert.deepEqual([status, json], [202, { ids: ['1'] }])
  const [{ headers, body }] = control.messages
  assert.deepEqual(headers['content-type'], ['application/cloudevents+json'])
  assert.deepEqual(headers['ce-id'], ['x'])
  assert.equal(Buffer.from(body).toString(), '{"a":1}')
})

test('POST /api/v1/signals says why a message was not taken', async t => {
  const { control, tell } = await world(t)
  const cases = [
    ['format', 415, 'SBX_SIGNAL_INVALID'],
    ['invalid', 400, 'SBX_SIGNAL_INVALID'],
    ['unknown', 404, 'SBX_SIGNAL_UNKNOWN'],
    ['silent', 503, 'SBX_AGENT_SILENT'],
    ['full', 429, 'SBX_SIGNAL_REFUSED'],
  ] as const
  for (const [because, wanted, code] of cases) {
    control.answer = { isTaken: false, because, fault: 'the reason' }
    const { status, json, headers } = await tell(STRUCTURED)
    assert.deepEqual([status, json.error], [wanted, { code, message: 'Cannot tell the agents: the reason' }])
    assert.equal(headers['retry-after'], because === 'full' || because === 'silent' ? '1' : undefined)
  }
})

test('POST /api/v1/signals and redrive need what every change needs, and read 64 KiB at most', async t => {
  const { control, tell, ask: answerTo } = await world(t, 'secret')
  assert.equal((await tell(STRUCTURED)).status, 401)
  assert.equal((await tell({ ...STRUCTURED, ...bearer('secret'), origin: 'http://evil.example' })).status, 403)
  assert.equal((await answerTo('/api/v1/dead-letters/redrive', { method: 'POST' })).status, 401)
  assert.equal((await tell({ ...STRUCTURED, ...bearer('secret') }, 'x'.repeat(65_537))).status, 413)
  assert.deepEqual([control.messages.length, control.redriven.length], [0, 0])
  assert.equal((await tell({ ...STRUCTURED, ...bearer('secret') })).status, 202)
})

test('without a control plane, or one that can do it, signals and dead letters are 503', async t => {
  const none = await adminWorld(t)
  const plain = { start: async () => ({ status: () => [], close: async () => {}, kill: async () => {} }) }
  const silent = await adminWorld(t, {}, TWO_SERVICES, { control: plain })
  for (const { ask } of [none, silent]) {
    for (const [method, path] of [
      ['GET', '/api/v1/signals'],
      ['POST', '/api/v1/signals'],
      ['GET', '/api/v1/dead-letters'],
      ['POST', '/api/v1/dead-letters/redrive'],
    ] as const) {
      const { status, json } = await ask(path, { method })
      assert.deepEqual([status, json.error.code], [503, 'SBX_CONTROL_ABSENT'], `${method} ${path}`)
    }
    const { json } = await ask('/api/v1/explain/api')
    assert.equal('causes' in json.endpoints[0], false)
  }
})

test('GET /api/v1/signals sends every fact with its id, for the types that are asked for', async t => {
  const { control, admin } = await world(t)
  const stream = listen(admin.port, '/api/v1/signals?type=a.*&type=b.**')
  t.after(() => stream.leave())
  await eventually('it listens', () => control.listeners.size === 1)
  for (const listener of control.listeners) listener({ id: '7', json: '{"id":"7"}' })
  await eventually('it is sent', () => stream.blocks.length === 2)
  assert.deepEqual([stream.status, stream.blocks], [200, ['retry: 1000', 'id: 7\ndata: {"id":"7"}']])
  assert.match(stream.type, /^text\/event-stream/)
  assert.deepEqual(control.wishes, [{ types: ['a.*', 'b.**'] }])
  stream.leave()
  await eventually('it is forgotten', () => control.listeners.size === 0)
})

test('GET /api/v1/signals begins with what a listener has missed, or says that it cannot', async t => {
  const { control, admin } = await world(t)
  const streams = ['1', 'long ago'].map(id => listen(admin.port, '/api/v1/signals', { 'last-event-id': id }))
  t.after(() => streams.forEach(({ leave }) => void leave()))
  await eventually('both are answered', () => streams.every(({ blocks }) => blocks.length === 2))
  assert.equal(streams[0]!.blocks[1], 'id: 2\ndata: {"id":"2"}')
  assert.match(streams[1]!.blocks[1]!, /^: the last event is too long ago/)
  assert.equal(control.listeners.size, 2)
})

test('GET /api/v1/signals refuses a pattern that is none, and the seventeenth listener', async t => {
  const { control, admin, ask: answerTo } = await world(t)
  const { status, json } = await answerTo('/api/v1/signals?type=a..b')
  assert.deepEqual([status, json.error.code], [400, 'SBX_AGENT_INVALID'])
  const streams = Array.from({ length: 16 }, () => listen(admin.port, '/api/v1/signals'))
  t.after(() => streams.forEach(({ leave }) => void leave()))
  await eventually('all listen', () => control.listeners.size === 16)
  assert.equal((await ask(admin.port, '/api/v1/signals')).json.error.code, 'SBX_ADMIN_BUSY')
  await admin.close()
  await eventually('all have ended', () => streams.every(({ isEnded }) => isEnded))
  assert.equal(control.listeners.size, 0)
})

test('the feed lets a listener go that has too much waiting, and says something to one that hears nothing', async () => {
  const control = new FakeControl()
  const feed = new SignalFeed(1)
  const slow = new SlowResponse()
  const asked = { method: 'GET', headersDistinct: {} } as IncomingMessage
  feed.open(control.hear.bind(control), [], asked, slow as unknown as ServerResponse)
  await eventually('a comment', () => slow.text.includes('\n\n:\n\n'))
  const json = JSON.stringify('x'.repeat(1_000))
  for (let id = 0; id < 1_000; id++) for (const listener of control.listeners) listener({ id: `${id}`, json })
  assert.deepEqual([slow.isEnded, feed.listeners, control.listeners.size], [true, 0, 0])
  // 256 KiB and the one too many.
  assert.ok(slow.text.length < 264_000, `${slow.text.length}`)
})

/** A response whose peer takes nothing. */
class SlowResponse extends EventEmitter {
  text = ''
  isEnded = false
  writableNeedDrain = false
  get writableLength(): number {
    return this.text.length
  }
  writeHead(): void {}
  write(text: string): void {
    this.text += text
  }
  end(): void {
    this.isEnded = true
  }
}

test('GET /api/v1/dead-letters lists them by agent, and redrive gives them another try', async t => {
  const { control, ask: answerTo } = await world(t)
  const listed = await answerTo('/api/v1/dead-letters')
  assert.deepEqual([listed.status, listed.json], [200, { agents: await control.deadLetters() }])
  const redrive = (body?: string) =>
    answerTo('/api/v1/dead-letters/redrive', {
      method: 'POST',
      ...(body === undefined ? {} : { headers: JSON_TYPE, body }),
    })
  assert.deepEqual((await redrive()).json, { redriven: 3 })
  assert.deepEqual((await redrive('{"agent":"health-monitor"}')).json, { redriven: 3 })
  assert.equal((await redrive('{"agent":5}')).status, 400)
  assert.equal((await redrive('{"other":5}')).status, 400)
  assert.deepEqual(control.redriven, [undefined, 'health-monitor'])
})

test('GET /api/v1/explain/:service says of every endpoint what agents wrote, and why', async t => {
  const { ask: answerTo } = await world(t)
  const { json } = await answerTo('/api/v1/explain/api')
  assert.deepEqual(
    json.endpoints.map(({ causes }: { causes: { factor: { chain: { id: string }[] } } }) => causes.factor.chain[0]!.id),
    ['api/a', 'api/b'],
  )
})
