import type { Registration } from '../../bridge/registry.ts'
import { defineAction } from '../../kit/grammar/action.ts'
import { stay } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSensor } from '../../kit/grammar/sensor.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { defineSkill, type Mounted } from '../../kit/grammar/skill.ts'
import { nodesOf, type RegisteredNode } from './registered-nodes.ts'

/** From one look at the copy of the registry, which costs no call, to the next. */
const WATCH_MS = 1_000

export interface RegistryOptions {
  /** How often all of it is gone through, whether something has changed or not, in ms. */
  readonly syncMs: number
}

/** What is known of the registry. */
export interface RegistrySlice {
  readonly members: number
  readonly joined: number
  /** Those whose lease ran out among them. */
  readonly left: number
  readonly nodes: readonly RegisteredNode[]
}

interface MembersChanged {
  /** The mount whose sensor saw it. */
  readonly at: string
  /** Names; one that has begun another life joins. */
  readonly joined: readonly string[]
  readonly left: readonly string[]
  readonly members: number
}
/** Who came to the registry and who has gone. */
export const membersChanged = defineSignal('signalbox.registry.members-changed', { data: trusted<MembersChanged>() })

interface NodesRegistered {
  readonly at: string
  readonly nodes: readonly RegisteredNode[]
}
/** The nodes in the registry, all of them. */
export const nodesRegistered = defineSignal('signalbox.registry.nodes-registered', { data: trusted<NodesRegistered>() })

/** All that the registry has, at once. */
export const registrySynced = defineSignal('signalbox.registry.synced', {
  data: trusted<{ readonly nodes: readonly RegisteredNode[]; readonly isThere: boolean }>(),
})
export const syncRegistry = defineAction({
  name: 'sync-registry',
  done: registrySynced,
  run: (_: undefined, { bridge }) => ({ nodes: nodesOf(bridge?.discover() ?? []), isThere: bridge !== undefined }),
})

/**
 * Follows the registry and says what it has in nodes: who comes and goes is seen within a second, and all of it is gone through now and
 * then, so that what was missed is mended.
 */
export const registryNodes = {
  name: 'registry-nodes',
  mount(key: string, { syncMs }: RegistryOptions): Mounted<RegistrySlice> {
    const watching = defineSensor({
      name: 'registry-members',
      emits: membersChanged,
      everyMs: WATCH_MS,
      start: () => new Map<string, number>(),
      read: ({ bridge }) => bridge?.discover() ?? [],
      perceive: (before: ReadonlyMap<string, number>, registrations: readonly Registration[]) => {
        const members = new Map(registrations.map(({ agent, incarnation }) => [agent, incarnation]))
        const joined = [...members].flatMap(([name, life]) => (before.get(name) === life ? [] : [name]))
        const left = [...before.keys()].filter(name => !members.has(name))
        const isSame = joined.length === 0 && left.length === 0
        const reading = { at: key, joined, left, members: members.size }
        return { memory: members, readings: isSame ? [] : [membersChanged.of(reading)] }
      },
    })
    const listing = defineSensor({
      name: 'registry-nodes',
      emits: nodesRegistered,
      everyMs: syncMs,
      start: () => null,
      read: ({ bridge }) => nodesOf(bridge?.discover() ?? []),
      perceive: (memory: null, nodes: readonly RegisteredNode[]) => ({
        memory,
        readings: [nodesRegistered.of({ at: key, nodes })],
      }),
    })
    const skill = defineSkill({
      name: 'registry-nodes',
      sensors: [watching, listing],
      start: () => stay<RegistrySlice>({ members: 0, joined: 0, left: 0, nodes: [] }),
      decide(slice: RegistrySlice, signal) {
        // The readings of another mount are heard as well.
        if (signal.data.at !== key) return stay(slice)
        if (nodesRegistered.is(signal)) return stay({ ...slice, nodes: signal.data.nodes })
        if (!membersChanged.is(signal)) return stay(slice)
        const { joined, left, members } = signal.data
        return stay({ ...slice, members, joined: slice.joined + joined.length, left: slice.left + left.length })
      },
    })
    return skill.mount(key, undefined)
  },
}
