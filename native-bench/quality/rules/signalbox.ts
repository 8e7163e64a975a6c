import { createTestControlPlane, ROSTER } from '../../../agents/index.ts'
import { TableKeeper } from '../../../engine/box/table-keeper.ts'
import { createSignalbox } from '../../../engine/index.ts'
import { createRegion, handleOf } from '../../../engine/memory/region.ts'
import { rowOfTicket } from '../../../engine/memory/ticket.ts'
import { completeOptions } from '../../../engine/policies/policy-options.ts'
import { findPolicy } from '../../../engine/policies/registry.ts'
import { type Attachment, attach } from '../../../engine/router/attachment.ts'
import { Router } from '../../../engine/router/router.ts'
import { putClockForward } from '../../../engine/writer.ts'
import type { Request } from '../world/request.ts'
import type { Outcome, Routing, Surroundings } from './rule.ts'

const SERVICE = 'api'
/** A start of virtual time that the real clock does not catch up with, on a region that was just made. */
const START_MS = 1_000_000
/** Bytes for the table of a policy that reads one. */
const TABLES = 1 << 24
/** Endpoints report so often how much of their machine is used. */
const REPORT_MS = 1000
/** Which agents run beside a policy: those that see how requests go, and those that forecast. The others would blur what is the policy's. */
const AGENTS = ['failure-detector', 'predictor']

/** A process of the fleet: a region, and each of its threads attached to it. */
interface Node {
  readonly routers: readonly Router[]
  readonly attachment: Attachment
  readonly machineOf: ReadonlyMap<number, number>
  readonly rows: readonly number[]
  moveTo?(nowMs: number): Promise<void>
  close(): Promise<void>
}

/** A policy of signalbox: the real router of each thread, over the real memory of each node. */
export async function signalboxRouting(
  policy: string,
  { hasAgents, hears, seed }: { readonly hasAgents: boolean; readonly hears: boolean; readonly seed: number },
  surroundings: Surroundings,
): Promise<Routing> {
  const nodes: Node[] = []
  for (let i = 0; i < surroundings.fleet.nodes; i++) {
    nodes.push(
      await (hasAgents ? nodeWithAgents(policy, surroundings, seed + i) : bareNode(policy, surroundings, seed + i)),
    )
  }
  return new SignalboxRouting(nodes, surroundings, hears)
}

class SignalboxRouting implements Routing {
  readonly #nodes: readonly Node[]
  readonly #surroundings: Surroundings
  readonly #hears: boolean
  readonly moveTo: Routing['moveTo']

  constructor(nodes: readonly Node[], surroundings: Surroundings, hears: boolean) {
    this.#nodes = nodes
    this.#surroundings = surroundings
    this.#hears = hears
    const { machines, repeat, utilisation } = surroundings
    if (nodes.every(({ moveTo }) => moveTo === undefined)) return
    this.moveTo = async nowMs => {
      for (const node of nodes) await node.moveTo?.(nowMs)
    }
    // Agents hear how much of each machine is used.
    repeat(REPORT_MS, () => {
      for (const machine of machines.keys()) {
        const used = utilisation(machine, REPORT_MS)
        for (const { attachment, rows } of nodes) attachment.endpoints.setUtilisation(rows[machine]!, used)
      }
    })
  }

  pick(request: Request): number {
    const node = this.#nodeOf(request)
    request.ticket = this.#routerOf(request, node).pick(request.key)
    return request.ticket < 0 ? -1 : node.machineOf.get(rowOfTicket(request.ticket))!
  }

  settle(request: Request, outcome: Outcome, tookMs: number): void {
    const router = this.#routerOf(request, this.#nodeOf(request))
    if (this.#hears && outcome === 'ok') router.reportLoad(request.ticket, { inflight: request.insideAfter + 1 })
    router.settle(request.ticket, outcome, Math.max(1, Math.round(tookMs * 1000)))
  }

  async close(): Promise<void> {
    for (const node of this.#nodes) await node.close()
  }

  /** Its clock shows the time whenever anything is asked of it. */
  #nodeOf({ router }: Request): Node {
    const { fleet, nowMs } = this.#surroundings
    const node = this.#nodes[Math.floor(router / fleet.threads)]!
    putClockForward(node.attachment.region, START_MS + Math.floor(nowMs()))
    return node
  }

  #routerOf({ router }: Request, { routers }: Node): Router {
    return routers[router % routers.length]!
  }
}

/** Without agents, and so without a box. */
async function bareNode(policy: string, { machines, fleet }: Surroundings, seed: number): Promise<Node> {
  const { name, options, table } = findPolicy(policy)!
  const choices = table?.(completeOptions(options, {})) === undefined ? 0 : TABLES
  const region = createRegion({ seats: fleet.threads + 1, rows: machines.length, choices }, seed)
  const attachments = Array.from({ length: fleet.threads }, () => attach(handleOf(region)))
  const attachment = attachments[0]!
  attachment.writer.edit(edit => {
    const service = edit.putService({ name: SERVICE, policy: { name }, panicThreshold: 0 })
    for (const [i, { weight }] of machines.entries()) {
      edit.add(service, { ...addressOf(i), zone: '', metadata: {}, weight, priority: 0 })
    }
  })
  const tables = new TableKeeper(attachment, () => {})
  await tables.start()
  const routers = attachments.map(each => new Router(each, SERVICE))
  return {
    ...{ routers, attachment, ...rowsOf(attachment) },
    async close() {
      await tables.close()
      for (const each of attachments) each.close()
    },
  }
}

/** A box with the agents that belong to policies, in virtual time. */
async function nodeWithAgents(policy: string, { machines, fleet }: Surroundings, seed: number): Promise<Node> {
  const left = ROSTER.filter(({ name }) => !AGENTS.includes(name)).map(({ name }) => [name, null] as const)
  const plane = createTestControlPlane({ seed, agents: Object.fromEntries(left) })
  const endpoints = machines.map(({ weight }, i) => ({ ...addressOf(i), weight }))
  const api = { policy, endpoints, panicThreshold: 0, outlier: { maxEjected: '50%', baseEjection: '5s' } }
  const capacity = { outcomes: 1 << 14, seats: fleet.threads + 8 }
  const box = await createSignalbox({ services: { [SERVICE]: api } }, { control: plane, capacity })
  const attachments = Array.from({ length: fleet.threads }, () => attach(box.handle))
  const attachment = attachments[0]!
  return {
    routers: attachments.map(each => new Router(each, SERVICE)),
    ...{ attachment, ...rowsOf(attachment) },
    moveTo: () => plane.advance(1),
    async close() {
      for (const each of attachments) each.close()
      await box.close()
    },
  }
}

function addressOf(machine: number): { id: string; url: string } {
  return { id: `m${machine}`, url: `http://127.0.0.1:${machine + 1}` }
}

function rowsOf(attachment: Attachment): Pick<Node, 'rows' | 'machineOf'> {
  const { rows } = attachment.serviceTexts()[0]!
  return { rows, machineOf: new Map(rows.map((row, machine) => [row, machine])) }
}
