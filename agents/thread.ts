import { parentPort, workerData } from 'node:worker_threads'
import { attach, Heartbeats, SignalboxError } from '../engine/writer.ts'
import { LocalBus } from './bus/local.ts'
import type { AnyAgent } from './kit/agent.ts'
import { ThreadClock } from './kit/clock.ts'
import { chance } from './kit/dice.ts'
import type { Order, Report, ThreadStart } from './kit/orders.ts'
import { Runner } from './kit/runner.ts'
import { TablePort } from './kit/table-port.ts'

/**
 * What runs inside an agent's thread: its runner, its ports, its heartbeat. Nothing is caught here: a fault ends the
 * thread, and the supervisor starts another.
 */
async function main({
  name,
  module,
  handle,
  config,
  bootMs,
  incarnation,
  heartbeats,
  line,
}: ThreadStart): Promise<void> {
  const agent = agentOf(await import(module), name, module)
  const attachment = attach(handle)
  const tables = new TablePort(attachment, agent)
  const beats = new Heartbeats(heartbeats)
  const listens = agent.listens.map(interest => (typeof interest === 'string' ? interest : interest.type))
  const beat = (nowMs: number): void => beats.beat(line, nowMs, runner.handled, runner.dropped + bus.dropped)
  const clock = new ThreadClock(attachment, beat)
  const bus = new LocalBus(listens, signal => runner.receive(signal))
  const runner = new Runner(agent, {
    clock,
    dice: chance,
    edge: { attachment },
    write: directive => tables.write(directive),
    send(signal, { isTelemetry }) {
      if (!isTelemetry) tell({ report: 'told', level: 'info', signal })
      return bus.send(signal, isTelemetry)
    },
    fault(error) {
      throw error
    },
    report() {},
  })

  parentPort!.on('message', (order: Order) => {
    if (order.order === 'link') {
      bus.link(order.peer, order.port)
      return
    }
    if (order.order === 'reload') {
      if (!runner.reload(order.config)) tell({ report: 'outdated' })
      return
    }
    runner.close()
    bus.close()
    clock.close()
    attachment.close()
    parentPort!.close()
  })

  runner.start({ config, bootMs, incarnation })
  beat(clock.now())
  tell({ report: 'started' })
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

void main(workerData as ThreadStart)
