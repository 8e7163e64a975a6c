import type { AnySignalKind } from './kit/grammar/signal.ts'
import * as membership from './kit/member/membership-signals.ts'
import * as signals from './signals.ts'

/** All kinds of signals that cross from one agent to another: whoever tells the agents something from outside is held to their schemas. */
export const KINDS: readonly AnySignalKind[] = [
  ...new Set<unknown>([...Object.values(signals), ...Object.values(membership)]),
].filter((each): each is AnySignalKind => typeof each === 'object' && each !== null && 'isTelemetry' in each)
