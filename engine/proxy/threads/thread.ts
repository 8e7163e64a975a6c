import net from 'node:net'
import { getHeapStatistics } from 'node:v8'
import { parentPort, workerData } from 'node:worker_threads'
import { TICK_MS } from '../../memory/clock.ts'
import { Ticker } from '../../memory/loop-delay.ts'
import { attach } from '../../router/attachment.ts'
import { type Door, openDoor } from '../downstream/door.ts'
import { drain } from '../downstream/drain.ts'
import { Front, RESCUE_MS } from '../front.ts'
import type { BoundAddress, FromThread, RulesPlan, ThreadPlan, TlsMaterial, ToThread } from '../plan.ts'
import { HEAP_KIB } from '../telling/counters.ts'
import { loadTracing } from '../telling/tracing.ts'
import { crashAlone } from './crash.ts'
import { listenWell } from './listen.ts'

/** From one look at what the thread holds to the next: some µs each. */
const WEIGH_MS = 1000

/** A proxy thread: one event loop, its share of the connections, its own connections upstream. Started by thread-keeper.ts. */

const port = parentPort as NonNullable<typeof parentPort>
/** Given at the start, or told to a thread that waits with its modules loaded, see warm-thread.ts. */
const plan = (workerData as ThreadPlan | null) ?? (await tellPlan())
const say = (message: FromThread, moved: ArrayBuffer[] = []): void => port.postMessage(message, moved)

const attachment = attach(plan.handle)
const front = new Front(plan, attachment, lines => say({ type: 'lines', lines }, [lines.buffer]))
const doors: Door[] = []
const listeners: net.Server[] = []

const ticker = new Ticker(attachment.region, attachment.seat)
setInterval(() => ticker.tick(), TICK_MS).unref()
let sweeping = sweepEvery(plan)
setInterval(() => front.rescue(), RESCUE_MS).unref()
setInterval(weigh, WEIGH_MS).unref()
weigh()

port.on('message', (message: ToThread) => {
  switch (message.type) {
    case 'written':
      front.linesTaken(message.bytes)
      break
    case 'rules':
      follow(message.plan)
      say({ type: 'ruled', turn: message.turn })
      break
    case 'certificates':
      swap(message.listeners)
      break
    case 'leave':
      front.isDraining = true
      break
    case 'drain':
      void end(message.deadlineMs)
      break
    case 'crash':
      throw new Error('it was told to crash')
  }
})

crashAlone(cutAll)
void start()

/** For whoever looks how much this thread holds. */
function weigh(): void {
  const { used_heap_size, external_memory } = getHeapStatistics()
  plan.counters[HEAP_KIB] = Math.ceil((used_heap_size + external_memory) / 1024)
}

/** Told once. A message that comes after it comes after all of this file has run. */
function tellPlan(): Promise<ThreadPlan> {
  return new Promise(resolve => port.once('message', ({ plan }: Extract<ToThread, { type: 'plan' }>) => resolve(plan)))
}

async function start(): Promise<void> {
  if (plan.isTracing) front.tracing = await loadTracing()
  const addresses: BoundAddress[] = []
  for (const at of plan.listen) {
    const door = openDoor(front, at)
    // In order of the listeners, from before it listens: certificates may change meanwhile.
    doors.push(door)
    try {
      const listening = await listenWell(door.server, at)
      addresses.push(listening.at)
      listeners.push(...listening.listeners)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      say({ type: 'failed', code: code ?? '', address: at.address, port: at.port, message })
      return
    }
  }
  say({ type: 'listening', addresses })
}

/** Goes on with another config. */
function follow(next: RulesPlan): void {
  front.adopt(next)
  for (const door of doors) door.tune(next.limits)
  clearInterval(sweeping)
  sweeping = sweepEvery(next)
}

function swap(listeners: (TlsMaterial | undefined)[]): void {
  for (const [index, material] of listeners.entries()) if (material !== undefined) doors[index]?.swap(material)
}

async function end(deadlineMs: number): Promise<void> {
  for (const server of listeners) net.Server.prototype.close.call(server)
  await drain(front, deadlineMs)
  for (const door of doors) door.close()
  front.upstreams.destroy()
  front.flushLines()
  attachment.close()
  say({ type: 'drained' })
  port.close()
  // Who gives no time does not wait for timers to run out either.
  if (deadlineMs === 0) process.exit()
}

/** Nothing comes in any more, from now on. */
function cutAll(): void {
  for (const server of listeners) net.Server.prototype.close.call(server)
  for (const socket of front.arriving) socket.destroy()
  for (const { socket } of front.connections) socket.destroy()
}

function sweepEvery(rules: RulesPlan): NodeJS.Timeout {
  return setInterval(() => front.sweep(), sweepMs(rules)).unref()
}

/** Often enough for the shortest patience the config asks for, in ms. */
function sweepMs({ limits, services }: RulesPlan): number {
  const all = [limits.bodyIdle, ...Object.values(services).map(({ timeouts }) => timeouts.idle)]
  return Math.max(20, Math.min(1000, ...all.filter(ms => ms > 0).map(ms => ms / 4)))
}
