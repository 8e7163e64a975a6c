import { getHeapStatistics } from 'node:v8'
import { parentPort, resourceLimits, workerData } from 'node:worker_threads'
import { attach, Heartbeats, SignalboxError } from '../engine/writer.ts'
import { LocalBus } from './bus/local.ts'
import type { AnyAgent } from './kit/agent.ts'
import { BEAT_MS, ThreadClock } from './kit/clock.ts'
import { chance } from './kit/dice.ts'
import { interestsOf } from './kit/mind.ts'
import type { Order, Report, SpareStart, ThreadStart } from './kit/orders.ts'
import { parentLost } from './kit/parent-lost.ts'
import { Runner } from './kit/runner.ts'
import type { Signal } from './kit/signal.ts'
import { Stamp } from './kit/stamp.ts'
import { TablePort } from './kit/table-port.ts'

/**
 * What runs inside a thread of agents: a runner for each, their ports, one bus, one heartbeat. Nothing is caught here: a
 * fault of one agent ends the thread with all of them, and the supervisor starts another.
 *
 *   ┌ thread health ────────────────────┐
 *   │ health-monitor ◀─▶ failure-detector│      neighbours hand signals to each other, after the turn of who sends
 *   └────────────── bus ────────────────┘
 *                    ▲ ports
 *   ┌ thread prediction ▼ ┐
 *   │    load-balancer    │
 *   └─────────────────────┘
 */
type Obey = (order: Order) => void

async function host({ agents, handle, config, bootMs, incarnation, heartbeats, beatMs }: ThreadStart): Promise<Obey> {
  const definitions: AnyAgent[] = []
  for (const { name, module } of agents) definitions.push(agentOf(await import(module), name, module))
  const attachment = attach(handle)
  const lines = new Heartbeats(heartbeats)
  const beat = (nowMs: number): void => {
    const { used_heap_size, external_memory, heap_size_limit } = getHeapStatistics()
    const memoryKib = Math.ceil((used_heap_size + external_memory) / 1024)
    const limitKib = Math.min(heap_size_limit / 1024, (resourceLimits.maxOldGenerationSizeMb ?? Infinity) * 1024)
    runners.forEach((runner, index) => {
      const { line } = agents[index]
      lines.weigh(line, memoryKib, limitKib)
      // What the bus had no room for is told once, by the first.
      lines.beat(line, nowMs, runner.handled, runner.dropped + (index === 0 ? bus.dropped : 0))
    })
  }
  const clock = new ThreadClock(attachment, beat)
  const beating = beatMs < BEAT_MS ? setInterval(() => beat(clock.now()), beatMs) : undefined
  const bus = new LocalBus([...new Set(definitions.flatMap(interestsOf))], signal => hear(signal, undefined))
  const hear = (signal: Signal, from: Runner | undefined): void => {
    for (const runner of runners) if (runner !== from) runner.receive(signal)
  }
  const indoors = new Indoors(hear)
  const runners = definitions.map((agent, index): Runner => {
    const { line, name } = agents[index]
    const tables = new TablePort(attachment, agent, () => lines.mayWrite(line, incarnation))
    const runner: Runner = new Runner(agent, {
      clock,
      dice: chance,
      edge: { attachment },
      write: directive => tables.write(directive),
      send(signal, { isTelemetry }) {
        const neighbours = runners.filter(other => other !== runner && other.listensTo(signal.type)).length
        if (neighbours > 0) indoors.send(signal, runner)
        if (!isTelemetry) tell({ report: 'told', agent: name, level: 'info', signal })
        return neighbours + bus.send(signal, isTelemetry)
      },
      fault(error) {
        throw error
      },
      report() {},
    })
    return runner
  })
  for (const runner of runners) runner.start({ config, bootMs, incarnation })
  beat(clock.now())
  tell({ report: 'started' })

  return order => {
    switch (order.order) {
      case 'link':
        bus.link(order.peer, order.port)
        break
      case 'reload':
        if (!runners.map(runner => runner.reload(order.config)).every(Boolean)) tell({ report: 'outdated' })
        break
      case 'orphan':
        hear(
          new Stamp('supervisor', clock, chance).signal(parentLost.of({ thread: order.parent }), undefined),
          undefined,
        )
        break
      case 'stop':
        for (const runner of runners.toReversed()) runner.close()
        bus.close()
        clearInterval(beating)
        clock.close()
        attachment.close()
        parentPort!.close()
    }
  }
}

/** Carries signals between agents of this thread, in order, once the turn of the event loop they were sent in is over. */
class Indoors {
  readonly #hear: (signal: Signal, from: Runner) => void
  #waiting: { readonly signal: Signal; readonly from: Runner }[] = []

  constructor(hear: (signal: Signal, from: Runner) => void) {
    this.#hear = hear
  }

  send(signal: Signal, from: Runner): void {
    this.#waiting.push({ signal, from })
    if (this.#waiting.length > 1) return
    setImmediate(() => {
      const waiting = this.#waiting
      this.#waiting = []
      for (const { signal, from } of waiting) this.#hear(signal, from)
    })
  }
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
