import { z } from 'zod'
import { number } from '../leaf.ts'
import { keys, NAME_LENGTH, name } from '../names.ts'
import { duration, ratio } from '../units.ts'
import { agentKnobs } from './enabled.ts'

const place = keys({
  latitude: number({ min: -90, max: 90, whole: false }).describe('Degrees north, -90 to 90. Required.'),
  longitude: number({ min: -180, max: 180, whole: false }).describe('Degrees east, -180 to 180. Required.'),
})

const weights = keys({
  latency: ratio().prefault('40%').describe('Weight of how fast a zone is reached. Default 40%.'),
  bandwidth: ratio().prefault('30%').describe('Weight of how much goes through. Default 30%.'),
  reliability: ratio().prefault('30%').describe('Weight of how seldom something is lost. Default 30%.'),
})

export const topologyOptimizerKnobs = agentKnobs({
  sync: duration({ min: '1s' })
    .prefault('15s')
    .describe('Time from one look at the zones to the next; a preference changes once in it at most. Default 15s.'),
  zones: z
    .record(name('a zone', NAME_LENGTH), place)
    .prefault({})
    .describe('Where zones are: it stands in for latencies that nobody has measured yet. Default: unknown.'),
  weights: weights.prefault({}).describe('What makes a zone good. Default: see each key.'),
  change: ratio()
    .prefault('10%')
    .describe('By how much a zone must be better or worse than it is taken for, twice in a row. Default 10%.'),
  headroom: ratio()
    .prefault('20%')
    .describe('Share of its capacity a zone is to keep free; what would go beyond goes to the next best. Default 20%.'),
  least: ratio()
    .prefault('1%')
    .describe('Share of its weight that the worst zone keeps, so that it is seen when it gets better. Default 1%.'),
})
