import { FAULTS } from './faults.ts'

/** In a process of its own: the runner of tests follows every promise, and minutes of several nodes have millions. */
const outcomes: Record<string, unknown> = {}
for (const fault of process.argv.slice(2)) outcomes[fault] = await FAULTS[fault]!()
process.stdout.write(JSON.stringify(outcomes))
