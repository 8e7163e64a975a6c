import assert from 'node:assert/strict'
import { type Draft, defineAgent, defineSignal, type Mounted, stay, trusted, unmount } from '../../../agents/index.ts'
import { run } from '../kit/run/tiny-runner.ts'

const dropped = defineSignal('signalbox.test.dropped', { data: trusted<string>() })

/**
 * Two mounts of a skill on one agent keep two states, and one that is unmounted hears nothing more of what node b says: its state is gone,
 * and the other goes on.
 */
export function checkTwoSkills<Slice>(
  mount: (key: string) => Mounted<Slice>,
  heard: Draft,
  of: (slice: Slice) => unknown,
): void {
  const [one, two] = [mount('one'), mount('two')]
  const agent = defineAgent({
    ...{ name: 'two', role: 'two', listens: [dropped], skills: [one, two] },
    start: () => stay(null),
    decide: (state, { data }) => ({ state, directives: [unmount(data)] }),
  })
  const { runner, faults } = run(agent)
  const hear = (draft: Draft, source: string): void =>
    void runner.receive({ id: 'x', specversion: '1.0', source, time: '', ...draft })
  const before = [runner.slice(one), runner.slice(two)]
  assert.notEqual(before[0], before[1], 'each has a state of its own')
  hear(heard, '/signalbox/nodes/b/agents/two')
  for (const [at, mounted] of [one, two].entries()) assert.notDeepEqual(of(runner.slice(mounted)), of(before[at]!))
  assert.notEqual(runner.slice(one), runner.slice(two))
  hear(dropped.of('one'), '/signalbox/agents/test')
  assert.throws(() => runner.slice(one), { code: 'SBX_AGENT_INVALID' }, 'it is gone')
  assert.equal(runner.listensTo(heard.type), true, 'the other one still hears')
  hear(dropped.of('two'), '/signalbox/agents/test')
  assert.equal(runner.listensTo(heard.type), false, 'nobody is left who hears')
  assert.deepEqual(faults, [])
}
