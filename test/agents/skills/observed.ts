import { defineAgent } from '../../../agents/kit/grammar/agent.ts'
import { stay } from '../../../agents/kit/grammar/directive.ts'
import type { Draft } from '../../../agents/kit/grammar/signal.ts'
import type { AnyMounted } from '../../../agents/kit/grammar/skill.ts'
import { lookAtTables } from '../../../agents/kit/tables.ts'
import { type Config, HEALTH_HEALTHY } from '../../../engine/writer.ts'
import { run, signal } from '../kit/run/tiny-runner.ts'

/** An endpoint as far as skills that observe look at it. */
export interface Seen {
  readonly row: number
  generation: number
  readonly id: string
  bars: number
  health: number
}

/** Skills on an agent of no will of its own, with tables that are the endpoints here: `hear` what others and sensors say, and `sent` what they say. */
export function observed(mounts: readonly AnyMounted[], ids: readonly string[] = ['a', 'b'], config?: Config) {
  const endpoints: Seen[] = ids.map((id, row) => ({ row, generation: 1, id, bars: 0, health: HEALTH_HEALTHY }))
  const look = { ...lookAtTables, run: () => structuredClone({ services: [{ name: 'api', endpoints }] }) as never }
  const skills = mounts.map(mounted => ({
    ...mounted,
    actions: mounted.actions.map(action => (action.name === look.name ? look : action)),
  }))
  const world = run(
    defineAgent({ name: 'observer', role: 'observer', skills, start: () => stay(0), decide: stay }),
    config && { config },
  )
  return {
    ...world,
    endpoints,
    hear: (draft: Draft): void => void world.runner.receive(signal(draft.type, draft.data)),
    /** What was said of a type, in its order. */
    said: <Body>(type: string): Body[] => world.sent.filter(each => each.type === type).map(({ data }) => data as Body),
  }
}
