import { SignalboxError } from '../errors.ts'
import { countRefusal, REFUSALS, type Refusal } from '../memory/refusals.ts'
import type { Region } from '../memory/region.ts'

/** An agent asked for what the rules of publication forbid; `because` is the word it is counted by. */
export class PublicationRefused extends SignalboxError {
  readonly because: Refusal

  constructor(because: Refusal, message: string, options?: ErrorOptions) {
    super('SBX_PUBLICATION_REFUSED', message, options)
    this.because = because
  }
}

/** Counts a refusal and returns the error that tells of it: "Cannot <wish>: <state>". */
export function refused(region: Region, because: Refusal, wish: string, state: string = REFUSALS[because]): Error {
  countRefusal(region, because)
  return new PublicationRefused(because, `Cannot ${wish}: ${state}`)
}
