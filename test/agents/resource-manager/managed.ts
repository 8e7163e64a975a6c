import type { TestContext } from 'node:test'
import { createTestControlPlane, ROSTER } from '../../../agents/index.ts'
import { defineAgent } from '../../../agents/kit/grammar/agent.ts'
import { stay } from '../../../agents/kit/grammar/directive.ts'
import type { Machine, ProcessUse } from '../../../agents/kit/machine.ts'
import type { State } from '../../../agents/resource-manager/agent.ts'
import { resourcesJudged } from '../../../agents/signals.ts'
import { type ConfigInput, createSignalbox } from '../../../engine/index.ts'
import { attach } from '../../../engine/router/attachment.ts'
import type { ClassName } from '../../../engine/writer.ts'
import { CLASS_NAMES } from '../../../engine/writer.ts'

const GIB = 2 ** 30

type Services = ConfigInput['services']
type Knobs = NonNullable<NonNullable<ConfigInput['agents']>['resource-manager']>

/** A machine that uses what the test says. */
export class FakeMachine implements Machine {
  /** Cores that are busy. */
  busy = 0.1
  memory = 0.5
  files = 100
  #cpuUs = 0

  use(): ProcessUse {
    // It is looked at once a second.
    this.#cpuUs += this.busy * 1_000_000
    return {
      ...{ cpuUs: this.#cpuUs, cores: 2, rssBytes: this.memory * GIB, memoryBytesMax: GIB },
      ...{ heapBytes: 1, files: this.files, filesMax: 1_000_000 },
    }
  }
}

/** A box whose only agent is the resource manager, in virtual time, on a machine that does as the test says. */
export async function managed(t: TestContext, services: Services, knobs: Knobs = {}) {
  const machine = new FakeMachine()
  const judged: (readonly string[])[] = []
  const listener = defineAgent({
    ...{ name: 'listener', role: 'listener', listens: [resourcesJudged] },
    start: () => stay(null),
    decide(state, { data }) {
      judged.push(data.short)
      return stay(state)
    },
  })
  const roster = [
    ...ROSTER.filter(({ name }) => name === 'resource-manager'),
    { name: 'listener', group: 'test', module: import.meta.url, restart: 'permanent' as const },
  ]
  const plane = createTestControlPlane({ roster, machine, agents: { listener } })
  const box = await createSignalbox({ services, agents: { 'resource-manager': knobs } }, { control: plane })
  t.after(() => box.close())
  const router = box.router('api')
  const tables = attach(box.handle)
  return {
    ...{ box, plane, machine, router, tables },
    /** What was told to be short, each time it was told. */
    judged,
    /** What is shed and let in, by the tables. */
    held: (service = 0): string => {
      const [from, admitted] = [tables.services.shedFrom(service), tables.services.admitted(service)]
      return `${from === 0 ? '-' : CLASS_NAMES[from]} ${admitted === 0 ? '-' : admitted}`
    },
    pick: (name: ClassName): number => router.pick(0, undefined, CLASS_NAMES.indexOf(name)),
    advance: (seconds: number) => plane.advance(seconds * 1_000),
    state: () => plane.state('resource-manager') as State,
    told: (subject: string): string[] =>
      plane.journal
        .about(subject)
        .map(({ type, data }) => `${type.split('.').slice(2).join('.')} ${JSON.stringify(data)}`),
  }
}
