import { rollDie } from '../../agents/kit/dice.ts'
import { glanceAtTables } from '../../agents/kit/glance.ts'
import type { AnyAction } from '../../agents/kit/grammar/action.ts'
import type { AnyAgent } from '../../agents/kit/grammar/agent.ts'
import type { WriteEndpoint, WriteService } from '../../agents/kit/grammar/directive.ts'
import type { Draft, Signal } from '../../agents/kit/grammar/signal.ts'
import { Runner } from '../../agents/kit/run/runner.ts'
import { type EndpointView, lookAtTables, type ServiceView } from '../../agents/kit/tables.ts'
import { withFakes } from '../../agents/kit/virtual/fake-actions.ts'
import { VirtualClock } from '../../agents/kit/virtual/virtual-clock.ts'
import { validateConfig } from '../../engine/config/load.ts'
import type { ConfigInput } from '../../engine/config/schema.ts'
import { EJECTED, HELD, ISOLATED, TRIPPED, UNHEALTHY } from '../../engine/writer.ts'

type Row = { -readonly [key in keyof EndpointView]: EndpointView[key] }
type Service = { -readonly [key in keyof Omit<ServiceView, 'endpoints'>]: ServiceView[key] } & { endpoints: Row[] }

/** Columns that are bars. */
const BARS = {
  unhealthyBar: UNHEALTHY,
  ejectedBar: EJECTED,
  isolatedBar: ISOLATED,
  heldBar: HELD,
  breaker: TRIPPED,
} as const

/** A config of one service, `api`, without endpoints: the stage's tables have them. */
export type ServiceInput = ConfigInput['services'][string]

/** An agent on a stage: virtual time, a seeded die, tables made of plain objects, and a record of all it said. */
export class Stage {
  readonly clock = new VirtualClock()
  readonly bootMs = this.clock.now()
  readonly rows = new Map<string, Row>()
  readonly service: Service
  readonly sent: Signal[] = []
  readonly writes: (WriteEndpoint | WriteService)[] = []
  /** Called when the agent looks at the tables. */
  onLook = (): void => {}
  readonly #agent: AnyAgent
  #config: ReturnType<typeof validateConfig>
  readonly #fakes: readonly AnyAction[]
  #runner: Runner | undefined
  #configVersion = 1
  #incarnation = 0
  #generations = 0

  /** `fakes` stand in for actions of the same names, of the agent and its skills. */
  constructor(agent: AnyAgent, service: ServiceInput, ids: readonly string[], fakes: readonly AnyAction[] = []) {
    this.#agent = agent
    this.#config = validateConfig({ services: { api: service } })
    this.#fakes = fakes
    const { panicThreshold } = this.#config.services.api!
    this.service = {
      index: 0,
      name: 'api',
      panicThreshold,
      isPanicTold: false,
      overprovisioning: 140,
      policy: 'round-robin',
      policyInstead: 0,
      isPolicyPassing: false,
      shedFrom: 0,
      trust: undefined,
      isPullMaxRight: true,
      endpoints: [],
    }
    for (const id of ids) this.add(id)
  }

  /** An endpoint joins now. */
  add(id: string, facts: Partial<Row> = {}): Row {
    const now = this.clock.now()
    const row: Row = {
      row: this.rows.size,
      generation: ++this.#generations,
      id,
      url: `http://${id}.test:80`,
      zone: '',
      metadata: {},
      bars: 0,
      priority: 0,
      weight: 1,
      factor: 1,
      health: 0,
      healthySinceMs: now,
      ejectedUntilMs: 0,
      ejections: 0,
      latencyUs: 0,
      joinedMs: now,
      limit: 0,
      inflight: 0,
      utilisation: undefined,
      forecastUs: 0,
      ...facts,
    }
    this.rows.set(id, row)
    this.service.endpoints = [...this.rows.values()]
    return row
  }

  remove(id: string): void {
    this.rows.delete(id)
    this.service.endpoints = [...this.rows.values()]
  }

  row(id: string): Row {
    return this.rows.get(id)!
  }

  /** Another with each endpoint that comes or goes. */
  get #structure(): number {
    return this.#generations * 1000 + this.rows.size
  }

  /** Starts the agent, or after a crash another incarnation of it: the tables are all that is left. */
  start(): this {
    this.#runner?.close()
    const run = (): object => {
      this.onLook()
      return structuredClone({ structure: this.#structure, services: [this.service] })
    }
    const look = { name: lookAtTables.name, run }
    const glance = {
      name: glanceAtTables.name,
      run: () => ({ structure: this.#structure, facts: JSON.stringify(this.service) }),
    }
    const fakes = [look, glance, ...this.#fakes].map(({ name, run }) => [name, run] as const)
    const agent = withFakes(this.#agent, Object.fromEntries(fakes))
    let seed = 7
    this.#runner = new Runner(agent, {
      clock: this.clock,
      dice: () => {
        const die = rollDie(seed)
        seed = die.seed
        return die.value
      },
      edge: {} as never,
      send: signal => this.sent.push(signal),
      write: directive => this.#write(directive),
      fault(error) {
        throw error
      },
      report() {},
      listen() {},
    })
    this.#runner.start({ ...this.#inForce, bootMs: this.bootMs, incarnation: ++this.#incarnation })
    return this
  }

  /** The config of its service is another from now on, or that of agents; undefined: the service is gone. */
  reload(service: ServiceInput | undefined, agents: ConfigInput['agents'] = {}): void {
    this.#config = validateConfig({ services: service === undefined ? { other: {} } : { api: service }, agents })
    this.#configVersion++
    this.#runner!.reload(this.#inForce)
  }

  get #inForce() {
    return { config: this.#config, configVersion: this.#configVersion }
  }

  /** Another agent says something. */
  hear(draft: Draft): void {
    this.#runner!.receive({ id: '1', specversion: '1.0', source: '/test', time: '', ...draft })
  }

  /** Time passes; promises of fake actions settle in between. */
  async advance(ms: number, stepMs = 1): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.clock.advance(Math.min(stepMs, left))
      await Promise.resolve()
      await Promise.resolve()
    }
  }

  /** What the agent knows now. */
  get state(): unknown {
    return this.#runner!.state
  }

  /** Types of what was said, without the first two words. */
  get said(): string[] {
    return this.sent.map(({ type, subject }) => `${type.split('.').slice(1).join('.')} ${subject ?? ''}`.trim())
  }

  #write(directive: WriteEndpoint | WriteService): void {
    if (!this.#agent.writes.includes(directive.column)) throw new Error(`${directive.column} is not its own`)
    this.writes.push(directive)
    if (directive.kind === 'write-service') {
      if (directive.column === 'panicTold') this.service.isPanicTold = directive.value !== 0
      return
    }
    const row = this.service.endpoints.find(each => each.row === directive.row)
    if (row === undefined || row.generation !== directive.generation) return
    const { column, value } = directive
    if (column in BARS) {
      const bar = BARS[column as keyof typeof BARS]
      row.bars = value ? row.bars | bar : row.bars & ~bar
    } else row[column as Exclude<typeof column, keyof typeof BARS>] = value
  }
}
