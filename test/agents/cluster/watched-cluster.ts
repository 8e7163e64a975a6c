import type { TestContext } from 'node:test'
import {
  createTestCluster,
  ROSTER,
  type Signal,
  type TestCluster,
  type TestClusterOptions,
} from '../../../agents/index.ts'
import type { NodesSeen } from '../../../agents/signals/nodes.ts'
import { type Box, type ConfigInput, createSignalbox } from '../../../engine/index.ts'

type Nodes = NonNullable<NonNullable<NonNullable<ConfigInput['agents']>['failure-detector']>['nodes']>
type Partition = NonNullable<NonNullable<ConfigInput['agents']>['partition-handler']>

export interface WatchedOptions {
  readonly nodes?: Nodes
  readonly partition?: Partition
  readonly cluster?: Partial<TestClusterOptions<Box>>
  /** Agents that run beside the detector and the handler. */
  readonly beside?: readonly string[]
}

/** Agents of a node that know the other nodes. */
const WATCHERS = ['failure-detector', 'partition-handler']

/** A cluster of which the agents that watch nodes run, and no others; whoever uses it closes it. */
export async function openWatched(size: number, options: WatchedOptions = {}): Promise<Watched> {
  const { nodes = {}, partition = {}, beside = [] } = options
  const config: ConfigInput = {
    services: {
      api: {
        endpoints: [
          { id: 'a', url: 'http://127.0.0.1:1' },
          { id: 'b', url: 'http://127.0.0.1:2' },
        ],
      },
    },
    agents: { 'failure-detector': { nodes }, 'partition-handler': partition },
  }
  const cluster = await createTestCluster({
    nodes: size,
    roster: ROSTER.filter(({ name }) => [...WATCHERS, ...beside].includes(name)),
    open: control => createSignalbox(config, { control, log: () => {} }),
    ...options.cluster,
  })
  return new Watched(cluster)
}

export async function watchedOf(t: TestContext, size: number, options: WatchedOptions = {}): Promise<Watched> {
  const watched = await openWatched(size, options)
  t.after(() => watched.cluster.close())
  return watched
}

/** A change that a node saw in another one, or told of itself, at a moment since the mark. */
export interface Told {
  readonly at: string
  readonly type: string
  readonly data: Record<string, unknown>
  readonly ms: number
}

export class Watched {
  readonly cluster: TestCluster<Box>
  #sinceMs = 0
  readonly #told: Told[] = []

  constructor(cluster: TestCluster<Box>) {
    this.cluster = cluster
    for (const name of cluster.names) this.listen(name)
  }

  /** Notes the facts of a node from now on: of another life of it, again. */
  listen(name: string): void {
    this.cluster.node(name).plane.control.hear!(
      { types: ['signalbox.node.*', 'signalbox.partition.*', 'signalbox.incident.*'] },
      ({ json }) => {
        const { type, data, source } = JSON.parse(json) as Signal<string, Record<string, unknown>>
        if (source.startsWith('/signalbox/agents/'))
          this.#told.push({
            at: name,
            type: type.slice('signalbox.'.length),
            data,
            ms: this.cluster.nowMs - this.#sinceMs,
          })
      },
    )
  }

  /** What comes from now on is told, and timed. */
  mark(): void {
    this.#told.length = 0
    this.#sinceMs = this.cluster.nowMs
  }

  /** All that was told since the mark. */
  get told(): readonly Told[] {
    return this.#told
  }

  /** Changes of nodes since the mark: `a: b alive → suspect`. */
  changes(at?: string): string[] {
    return this.#told
      .filter(each => each.type === 'node.health-changed' && (at === undefined || each.at === at))
      .map(({ at: who, data }) => `${who}: ${data.node} ${data.from} → ${data.to}`)
  }

  /** How a node sees the others: `b alive`. */
  view(at: string): string[] {
    const { others } = this.watch(at)
    return [...others.values()].map(({ node, state }) => `${node} ${state}`).sort()
  }

  watch(at: string): {
    readonly others: ReadonlyMap<string, NodesSeen['others'][number]>
    readonly localHealth: number
  } {
    const { control } = this.cluster.node(at).plane as unknown as {
      control: { runner(agent: string): { slice(mounted: { key: string }): never } }
    }
    return control.runner('failure-detector').slice({ key: 'nodes' })
  }
}
