import { constants, setPriority } from 'node:os'
import { type OpenLoad, runOpenLoop } from './open-loop.ts'

/** An open loop in a process of its own, so that nothing else keeps it from its times: the load in the first argument, what it heard as a line of JSON. */

const load = JSON.parse(process.argv[2]!) as OpenLoad
// One that never sleeps lets everybody else on its core go first: else an origin waits for the end of its slice.
if (load.isExact === true) setPriority(constants.priority.PRIORITY_LOW)
const heard = await runOpenLoop(load)
process.stdout.write(`${JSON.stringify(heard)}\n`)
