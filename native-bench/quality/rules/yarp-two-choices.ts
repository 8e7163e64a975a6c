import { twoOf } from './counts.ts'
import type { Rule } from './rule.ts'

const POLL_MS = 500

export const yarpTwoChoices: Rule = {
  name: 'yarp-two-choices',
  source:
    'two different draws, the one that said it had fewer inside when it was asked last, each half a second (Prequal, NSDI 2024: YARP-Po2C)',
  begin({ machines, chance, ask, repeat }) {
    const told = new Int32Array(machines.length)
    repeat(POLL_MS, () => {
      for (const machine of machines.keys()) {
        ask(
          machine,
          inside => inside,
          inside => {
            told[machine] = inside
          },
        )
      }
    })
    return {
      pick() {
        const [a, b] = twoOf(machines.length, chance)
        return told[b]! < told[a]! ? b : a
      },
      settle() {},
    }
  },
}
