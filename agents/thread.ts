import { getHeapStatistics } from 'node:v8'
import { parentPort, resourceLimits, workerData } from 'node:worker_threads'
import { attach, Heartbeats, SignalboxError } from '../engine/writer.ts'
import { bridgeOf } from './bridge/agent-bridge.ts'
import { EmbeddedStore } from './bridge/embedded-store.ts'
import { roadOf } from './bridge/wire.ts'
import { LocalBus } from './bus/local.ts'
import { BEAT_MS, ThreadClock } from './kit/clock.ts'
import { chance } from './kit/dice.ts'
import type { AnyAgent } from './kit/grammar/agent.ts'
import type { Signal } from './kit/grammar/signal.ts'
import { thisMachine } from './kit/machine.ts'
import type { Written } from './kit/outside/journal.ts'
import { Crew } from './kit/run/crew.ts'
import { Stamp } from './kit/run/stamp.ts'
import type { Order, Report, SpareStart, ThreadStart } from './kit/supervision/orders.ts'
import { parentLost } from './kit/supervision/parent-lost.ts'
import { threadOfKernel } from './kit/supervision/run-queue.ts'

/**
 * What runs inside a thread of agents: the crew, its bus to other threads, its heartbeat. Nothing is caught here: a fault of one agent
 * ends the thread with all of them, and the supervisor starts another.
 *
 *   ┌ thread health ─────────────────────┐
 *   │ health-monitor ◀─▶ failure-detector │
 *   └────────────── bus ─────────────────┘
 *                    ▲ ports
 *   ┌ thread prediction ▼ ┐
 *   │    load-balancer    │
 *   └─────────────────────┘
 */
type Obey = (order: Order) => void

async function host(start: ThreadStart): Promise<Obey> {
  const { agents, handle, config, configVersion, bootMs, incarnation, beatMs, node, heartbeatMs, hasStore } = start
  const inForce = { config, configVersion }
  const definitions: AnyAgent[] = []
  for (const { name, module } of agents) definitions.push(agentOf(await import(module), name, module))
  const attachment = attach(handle)
  const lines = new Heartbeats(start.heartbeats)
  const lineOf = new Map(agents.map(({ name, line }) => [name, line]))
  const beat = (nowMs: number): void => {
    const { used_heap_size, external_memory, heap_size_limit } = getHeapStatistics()
    const memoryKib = Math.ceil((used_heap_size + external_memory) / 1024)
    const limitKib = Math.min(heap_size_limit / 1024, (resourceLimits.maxOldGenerationSizeMb ?? Infinity) * 1024)
    crew.runners.forEach(({ agent, handled, dropped }, index) => {
      const line = lineOf.get(agent.name)!
      lines.weigh(line, memoryKib, limitKib)
      // What the bus had no room for is told once, by the first.
      lines.beat(line, nowMs, handled, dropped + (index === 0 ? bus.dropped : 0))
    })
  }
  const clock = new ThreadClock(attachment, beat)
  const beating = beatMs < BEAT_MS ? setInterval(() => beat(clock.now()), beatMs) : undefined
  const bus = new LocalBus([], signal => void crew.hear(signal))
  const store = new EmbeddedStore({ clock })
  const diary = new Diary()
  const crew = new Crew(definitions, incarnation, inForce, {
    ...{ clock, dice: chance, attachment, machine: thisMachine, node, heartbeatMs },
    soon: callback => void setImmediate(callback),
    send: (signal, isTelemetry) => bus.send(signal, isTelemetry),
    listen: () => bus.listen(crew.interests),
    told(agent, signal, trail, level) {
      diary.flush()
      tell({ report: 'told', agent, level, signal, trail })
    },
    wrote: (written, trail) => diary.add(written, trail),
    reported: (agent, status) => tell({ report: 'status', agent, status }),
    fault(error) {
      throw error
    },
    mayWrite: agent => lines.mayWrite(lineOf.get(agent)!, incarnation),
    bridge: agent => (hasStore ? bridgeOf(agent, store, clock, chance) : undefined),
  })
  const kernelId = threadOfKernel()
  for (const { line } of agents) lines.nameThread(line, kernelId)
  crew.start(bootMs, incarnation)
  bus.listen(crew.interests)
  beat(clock.now())
  tell({ report: 'started' })

  return order => {
    switch (order.order) {
      case 'link':
        bus.link(order.peer, order.port)
        break
      case 'store':
        store.join(roadOf(order.port))
        break
      case 'reload':
        if (!crew.reload(order.inForce)) tell({ report: 'outdated' })
        break
      case 'hear':
        answer(order.ask, crew.hear(order.signal, true))
        break
      case 'letters':
        answer(order.ask, crew.deadLetters())
        break
      case 'redrive':
        answer(order.ask, crew.redrive(order.agent))
        break
      case 'orphan': {
        const lost = parentLost.of({ thread: order.parent })
        crew.hear(new Stamp('supervisor', clock, chance).signal(lost, undefined))
        break
      }
      case 'stop':
        crew.close()
        store.close()
        bus.close()
        clearInterval(beating)
        clock.close()
        attachment.close()
        parentPort!.close()
    }
  }
}

/** What agents have written and nobody was told yet: of one turn of the event loop, told together. */
class Diary {
  #writes: { written: Written; trail: readonly Signal[] }[] = []

  add(written: Written, trail: readonly Signal[]): void {
    this.#writes.push({ written, trail })
    if (this.#writes.length === 1) setImmediate(() => this.flush())
  }

  /** Before a fact is told: what was written before it is known before it. */
  flush(): void {
    if (this.#writes.length === 0) return
    tell({ report: 'wrote', writes: this.#writes })
    this.#writes = []
  }
}

function answer(ask: number, answer: unknown): void {
  tell({ report: 'answer', ask, answer })
}

function tell(report: Report): void {
  parentPort!.postMessage(report)
}

function agentOf(exported: { default?: unknown }, name: string, module: string): AnyAgent {
  const agent = exported.default as Partial<AnyAgent> | undefined
  if (agent?.name === name && typeof agent.decide === 'function') return agent as AnyAgent
  throw new SignalboxError(
    'SBX_AGENT_INVALID',
    `Cannot start agent ${name}: ${module} does not export it as its default, write "export default defineAgent({ name: ` +
      `${JSON.stringify(name)}, … })"`,
  )
}

/** Orders that come before there is somebody to obey wait in order. */
async function main(begin: ThreadStart | SpareStart): Promise<void> {
  const early: Order[] = []
  let obey: Obey = order => early.push(order)
  const hosting = new Promise<ThreadStart>(resolve => {
    if ('agents' in begin) resolve(begin)
    parentPort!.on('message', (order: Order) => (order.order === 'host' ? resolve(order.start) : obey(order)))
  })
  if ('modules' in begin) for (const module of begin.modules) await import(module)
  obey = await host(await hosting)
  for (const order of early) obey(order)
}

void main(workerData as ThreadStart | SpareStart)
