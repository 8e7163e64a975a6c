import { z } from 'zod'
import { flag, number, textLeaf, whole } from '../../../engine/config/leaf.ts'
import { keys } from '../../../engine/config/names.ts'
import { duration, ratio } from '../../../engine/config/units.ts'
import { lawSchema } from './law.ts'

/** Most of what one run holds: some GiB of tables, and minutes. */
const MACHINES_MAX = 10_000
const ROUTERS_MAX = 1000

const text = (what: string) => textLeaf<string>({ what, wish: `write ${what}`, read: value => ({ value }) })

const speed = () => number({ min: 0, max: 100, whole: false })

const machines = keys({
  count: whole(1, MACHINES_MAX).prefault(1).describe('So many of them. Default 1.'),
  cores: number({ min: 0.1, max: 1024, whole: false })
    .optional()
    .describe('Requests there share so many cores evenly, each at most one, as an operating system has them share.'),
  slots: whole(1, 1024).optional().describe('So many are worked on at a time; the others wait, in their order.'),
  speed: speed().prefault(1).describe('Work done in a ms. Default 1.'),
  work: lawSchema.optional().describe('How much work a request is here; default: as for all.'),
  weight: whole(1, 1000).prefault(1).describe('Its weight as an endpoint. Default 1.'),
})

const load = keys({
  rate: number({ min: 0.001, max: 10_000_000, whole: false })
    .optional()
    .describe('Requests per second, by chance (Poisson).'),
  share: number({ min: 0.001, max: 10, whole: false })
    .optional()
    .describe('Instead: this share of what all machines could do, as in 0.9.'),
  concurrency: whole(1, 1_000_000)
    .optional()
    .describe('Instead: so many callers, each begins anew when it has its answer.'),
  callers: whole(1, 1_000_000)
    .optional()
    .describe('Instead: so many callers, each asks every so often, come what may.'),
  every: duration({ min: '1ms' }).optional().describe('How often each of the callers asks.'),
  swing: keys({
    by: ratio().describe('Of rate or share, up and down, as a sine.'),
    period: duration({ min: '1ms' }),
  }).optional(),
})

const indices = z.array(whole(0, MACHINES_MAX - 1)).min(1)

const change = keys({
  at: duration(),
  machines: indices.optional().describe('Which, by number from 0; default: all.'),
  speed: speed().optional().describe('Times their own; 0: they stand still.'),
  failing: ratio().optional().describe('Share of requests they answer with an error, at once.'),
})

const between = z.tuple([duration(), duration()])

const disturbance = keys({
  machines: indices.optional().describe('Which, by number from 0; default: all.'),
  one: flag().prefault(false).describe('One of them by chance at a time, instead of each for itself. Default false.'),
  every: between.describe('From one beginning to the next, by chance between two durations.'),
  lasts: between.optional().describe('Default: until the next one.'),
  calm: ratio().prefault(0).describe('Share of times that nothing is amiss. Default 0.'),
  speed: z.tuple([speed(), speed()]).optional().describe('Times their own, by chance between two.'),
  failing: ratio().optional().describe('Share of requests that are answered with an error, at once.'),
})

const nodes = () => whole(1, ROUTERS_MAX)
const threads = () => whole(1, 64)

const contender = z.union([
  text('the name of a policy or a rule'),
  keys({
    policy: text('a policy of signalbox').optional(),
    rule: text('a rule of others').optional(),
    as: text('how it is called in tables').optional(),
    nodes: nodes().optional(),
    threads: threads().optional(),
    hears: flag()
      .optional()
      .describe('Of a policy: machines tell in each answer how many requests they have. Default false.'),
  }),
])

/** What a scenario file says. */
export const scenarioSchema = keys({
  title: text('what it is, in a sentence').describe('What it is, in a sentence.'),
  source: text('where it is from').optional(),
  machines: z.array(machines).min(1),
  network: duration().prefault(0).describe('One way between a router and a machine. Default 0.'),
  work: lawSchema.optional().describe('How much work a request is.'),
  load,
  patience: duration({ min: '1ms' }).prefault('5s').describe('Who waits longer has failed. Default 5s.'),
  fleet: keys({
    nodes: nodes().prefault(1).describe('Processes that know nothing of each other. Default 1.'),
    threads: threads().prefault(1).describe('Threads of each, which share what it knows. Default 1.'),
  }).prefault({}),
  agents: flag()
    .prefault(false)
    .describe('Whether failure-detector and predictor run beside the policies of signalbox. Default false.'),
  changes: z.array(change).prefault([]),
  disturbances: z.array(disturbance).prefault([]),
  sweep: keys({
    share: z
      .array(number({ min: 0.001, max: 10, whole: false }))
      .min(1)
      .optional(),
    threads: z.array(threads()).min(1).optional(),
    nodes: z.array(nodes()).min(1).optional(),
  })
    .optional()
    .describe('The same again for each of these.'),
  warmUp: duration().prefault('10s').describe('What is sent before does not count. Default 10s.'),
  span: duration({ min: '1ms' }).prefault('60s').describe('For so long it counts. Default 60s.'),
  seeds: whole(1, 100).prefault(3).describe('Runs with chances of their own. Default 3.'),
  contenders: z.array(contender).min(1),
})

export type ScenarioText = z.output<typeof scenarioSchema>
export type ContenderText = z.output<typeof contender>
export type MachineText = z.output<typeof machines>
export type LoadText = z.output<typeof load>
export type ChangeText = z.output<typeof change>
export type DisturbanceText = z.output<typeof disturbance>
