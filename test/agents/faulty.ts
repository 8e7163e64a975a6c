import type { AnyAgent } from '../../agents/kit/agent.ts'

/**
 * A module for a test's roster: the agent of another module, with a fault built in that strikes shortly after its start.
 *
 *   faulty.js?agent=<href>&fault=throw          in the first incarnation
 *   faulty.js?agent=<href>&fault=throw&always   in every one
 */
const { searchParams } = new URL(import.meta.url)

const FAULTS: Record<string, () => void> = {
  throw() {
    throw new Error('a fault of the test')
  },
  reject() {
    void Promise.reject(new Error('a fault of the test'))
  },
  exit: () => process.exit(3),
  loop() {
    for (;;);
  },
  wait: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
}

const STRIKE_MS = 30

const { default: agent } = (await import(searchParams.get('agent')!)) as { default: AnyAgent }

export default {
  ...agent,
  start(setup) {
    if (setup.incarnation === 1 || searchParams.has('always'))
      setTimeout(FAULTS[searchParams.get('fault')!]!, STRIKE_MS)
    return agent.start(setup)
  },
} satisfies AnyAgent
