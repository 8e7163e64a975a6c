import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { test } from 'node:test'
import { Counters } from '../../engine/admin/counters.ts'
import { LiveFeed } from '../../engine/admin/live-feed.ts'
import type { Snapshot } from '../../engine/admin/snapshot.ts'
import { createSignalbox } from '../../engine/box/box.ts'
import { eventually } from '../support/eventually.ts'
import { adminWorld, ask, TWO_SERVICES } from './admin-world.ts'

/** Opens the feed and collects its snapshots. */
function listen(port: number) {
  const snapshots: Snapshot[] = []
  const feed = { snapshots, type: '', isEnded: false, leave: () => sent.destroy() }
  const sent = request({ host: '127.0.0.1', port, path: '/api/v1/live', agent: false }, answer => {
    feed.type = String(answer.headers['content-type'])
    let text = ''
    answer.setEncoding('utf8')
    answer.on('data', chunk => {
      const events = (text + chunk).split('\n\n')
      text = events.pop() as string
      for (const event of events) {
        assert.ok(event.startsWith('data: '))
        snapshots.push(JSON.parse(event.slice(6)))
      }
    })
    answer.on('error', () => {})
    answer.on('close', () => {
      feed.isEnded = true
    })
  })
  sent.on('error', () => {})
  sent.end()
  return feed
}

test('GET /api/v1/live sends a snapshot at once and goes on with fresh ones', async t => {
  const { box, admin } = await adminWorld(t)
  const feed = listen(admin.port)
  t.after(() => feed.leave())
  const first = await eventually('a first snapshot', () => feed.snapshots[0])
  assert.match(feed.type, /^text\/event-stream/)
  assert.deepEqual([first.version, first.isReady, first.agents, first.services], ['1.2.3', true, [], box.services()])
  const router = box.router('web')
  router.settle(router.pick(), 'ok', 10)
  await eventually('a snapshot that counts it', () =>
    feed.snapshots.find(({ services }) => services[1].endpoints[0].totals.ok === 1),
  )
  assert.ok(feed.snapshots.every(({ time }, at) => at === 0 || time >= feed.snapshots[at - 1].time))
})

test('the feed lets a listener go that has left, and refuses the seventeenth', async t => {
  const { admin } = await adminWorld(t)
  const feeds = Array.from({ length: 16 }, () => listen(admin.port))
  t.after(() => feeds.forEach(feed => void feed.leave()))
  await eventually('all are served', () => feeds.every(({ snapshots }) => snapshots.length > 0))
  const { status, json } = await ask(admin.port, '/api/v1/live')
  assert.deepEqual([status, json.error.code], [503, 'SBX_ADMIN_BUSY'])
  feeds[0].leave()
  await eventually('a place is free', async () => {
    const feed = listen(admin.port)
    await eventually('an answer', () => feed.snapshots.length > 0 || feed.isEnded)
    feed.leave()
    return feed.snapshots.length > 0
  })
})

test('the feed ends with the box', async t => {
  const { box, admin } = await adminWorld(t)
  const feed = listen(admin.port)
  await eventually('a first snapshot', () => feed.snapshots.length > 0)
  await box.close()
  await eventually('the end', () => feed.isEnded)
})

test('the feed skips snapshots for a slow listener, drops it in the end, and stops when nobody listens', async t => {
  const box = await createSignalbox(TWO_SERVICES)
  t.after(() => box.close())
  const sources = {
    box,
    counters: new Counters(box),
    version: '1',
    isReady: () => true,
    proxy: undefined,
    reload: undefined,
  }
  const feed = new LiveFeed(sources, 1)
  const slow = new SlowResponse()
  feed.open({ method: 'GET' } as IncomingMessage, slow as unknown as ServerResponse)
  assert.equal(feed.listeners, 1)
  await eventually('it is dropped', () => slow.isDestroyed)
  assert.deepEqual([slow.written, feed.listeners], [1, 0])
  const other = new SlowResponse()
  other.writableNeedDrain = false
  feed.open({ method: 'GET' } as IncomingMessage, other as unknown as ServerResponse)
  await eventually('it is served', () => other.written > 12)
  other.emit('close')
  assert.equal(feed.listeners, 0)
  feed.close()
})

test('the feed is the more seldom the larger its snapshots are, and says in between that it goes on', async t => {
  const box = await createSignalbox(TWO_SERVICES)
  t.after(() => box.close())
  const counters = { services: () => [{ service: 'x'.repeat(1_000_000) }] } as unknown as Counters
  const sources = { box, counters, version: '1', isReady: () => true, proxy: undefined, reload: undefined }
  // A million bytes a second, and a turn each 10 ms: one snapshot in a hundred turns.
  const feed = new LiveFeed(sources, 10)
  t.after(() => feed.close())
  const listener = new SlowResponse()
  listener.writableNeedDrain = false
  const written: string[] = []
  listener.write = (text?: string) => void written.push(text!.slice(0, 5))
  feed.open({ method: 'GET' } as IncomingMessage, listener as unknown as ServerResponse)
  await eventually('a second snapshot', () => written.filter(text => text === 'data:').length === 2)
  assert.equal(written.indexOf('data:', 1), 101)
  assert.ok(written.slice(1, 101).every(text => text === ':\n\n'))
})

class SlowResponse extends EventEmitter {
  writableNeedDrain = true
  written = 0
  isDestroyed = false
  writeHead(): void {}
  write(_?: string): void {
    this.written++
  }
  end(): void {}
  destroy(): void {
    this.isDestroyed = true
  }
}
