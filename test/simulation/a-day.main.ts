import { liveADay } from './a-day.ts'

/** In a process of its own: the runner of tests follows every promise, and a day has some hundred million. */
const [seed = '', hours = ''] = process.argv.slice(2)
process.stdout.write(JSON.stringify(await liveADay(Number(seed), Number(hours))))
