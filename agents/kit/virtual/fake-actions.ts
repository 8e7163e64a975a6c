import type { AnyAction } from '../grammar/action.ts'
import type { AnyAgent } from '../grammar/agent.ts'
import type { Step } from '../grammar/directive.ts'
import type { AnyMounted } from '../grammar/skill.ts'

/** Other things to do, by the name of the action. */
export type Fakes = Readonly<Record<string, AnyAction['run']>>

/**
 * An agent whose actions of these names do something else, and those of its skills too, also of those it mounts later. One that says that it
 * reaches outside the process, and is not named, never answers.
 */
export function withFakes(agent: AnyAgent, fakes: Fakes): AnyAgent {
  const fake = (action: AnyAction): AnyAction => {
    if (Object.hasOwn(fakes, action.name)) return { ...action, run: fakes[action.name]! }
    return action.isOutside ? { ...action, timeoutMs: 0, run: () => new Promise(() => {}) } : action
  }
  const outfit = (mounted: AnyMounted): AnyMounted => ({ ...mounted, actions: mounted.actions.map(fake) })
  const later = <State>(step: Step<State>): Step<State> => {
    if (!step.directives.some(({ kind }) => kind === 'mount')) return step
    const directives = step.directives.map(each =>
      each.kind === 'mount' ? { ...each, mounted: outfit(each.mounted) } : each,
    )
    return { state: step.state, directives }
  }
  return {
    ...agent,
    actions: agent.actions.map(fake),
    skills: agent.skills.map(outfit),
    start: setup => later(agent.start(setup)),
    decide: (...heard) => later(agent.decide(...heard)),
    reload: agent.reload && ((...config) => later(agent.reload!(...config))),
  }
}
