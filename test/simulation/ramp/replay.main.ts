import { type Ramp, replayRamp, replaySteady } from './replay.ts'

/** In a process of its own: the runner of tests follows every promise, and an hour has some hundred thousand. */
const [first, ramps, hours] = process.argv.slice(2).map(Number) as [number, number, number]
const found: Ramp[] = []
for (let seed = first; seed < first + ramps; seed++) found.push(await replayRamp(seed))
const falseAlarms: number[] = []
for (let seed = first; seed < first + hours; seed++) falseAlarms.push(await replaySteady(seed, 1))
process.stdout.write(JSON.stringify({ ramps: found, falseAlarms }))
