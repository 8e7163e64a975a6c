import { Breaker } from '../memory/breaker.ts'
import { Candidates } from '../memory/candidates.ts'
import { Gauges } from '../memory/gauges.ts'
import type { Region } from '../memory/region.ts'
import type { BreakerText } from '../memory/service-text.ts'
import type { Tally } from '../memory/tally.ts'
import type { Attachment } from './attachment.ts'

/** Where a pick leaves its traces: all of shared memory that a router writes. A rehearsal has others, which leave none. */
export interface Traces {
  readonly tally: Tally
  candidates(region: Region, service: number, scope: number): Candidates
  gauges(region: Region, seat: number, service: number): Gauges
  breaker(region: Region, seat: number, text: BreakerText): Breaker
}

/** Those of a router that routes. */
export function tracesOf({ tally }: Attachment): Traces {
  return {
    tally,
    candidates: (region, service, scope) => new Candidates(region, service, scope),
    gauges: (region, seat, service) => new Gauges(region, seat, service),
    breaker: (region, seat, text) => new Breaker(region, seat, text),
  }
}
