import type { NewEndpoint } from '../../engine/writer.ts'
import type { DiscoveryStrategy } from '../signals.ts'

/** What a source said when it was asked. */
export interface Answer {
  /** Key of the source's plan. */
  readonly source: string
  readonly by: DiscoveryStrategy
  readonly said: Said
}

export type Said =
  | {
      readonly kind: 'found'
      readonly endpoints: readonly NewEndpoint[]
      /** It says all there is, and means what it leaves out: a file does, a name server may leave out what it knows, all of it even. */
      readonly isWhole: boolean
      /** A part of it could not be asked: what it leaves out may be there. */
      readonly isPartial?: boolean
      /** Good for so long, in ms. */
      readonly ttlMs?: number
      /** What was left out because it is no endpoint, for people. */
      readonly faults: readonly string[]
    }
  | { readonly kind: 'failed'; readonly reason: string }
