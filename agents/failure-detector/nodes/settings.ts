import type { Config } from '../../../engine/writer.ts'
import type { SuspicionRule } from '../../skills/network/suspicion.ts'

type Knobs = Config['agents']['failure-detector']['nodes']

/** How other nodes are watched; all times in ms. */
export interface WatchSettings {
  readonly heartbeatMs: number
  readonly pauseMs: number
  readonly deviationMsMin: number
  readonly probeTimeoutMs: number
  readonly threshold: number
  readonly helpers: number
  readonly ceilingMs: number
  readonly suspicion: SuspicionRule
}

/** memberlist's: six times the least, where nobody confirms. */
const SUSPICION_LONGEST = 6

/**
 * What a profile says where nothing is written. Silence is noticed after about heartbeat + pause + 5.23 × deviation, which is where
 * φ = 8: 3.5 s, 352 ms and 15.5 s. `compat` is for whoever wants the 5 s that heartbeats have elsewhere.
 */
const PROFILES: Readonly<
  Record<Knobs['profile'], Required<Pick<Knobs, 'heartbeat' | 'pause' | 'minDeviation' | 'probeTimeout'>>>
> = {
  default: { heartbeat: 1_000, pause: 2_000, minDeviation: 100, probeTimeout: 500 },
  fast: { heartbeat: 100, pause: 200, minDeviation: 10, probeTimeout: 100 },
  compat: { heartbeat: 5_000, pause: 10_000, minDeviation: 100, probeTimeout: 500 },
}

export function watchSettingsOf({ profile, suspicion, ceiling, threshold, helpers, ...written }: Knobs): WatchSettings {
  const usual = PROFILES[profile]
  const heartbeatMs = written.heartbeat ?? usual.heartbeat
  return {
    heartbeatMs,
    pauseMs: written.pause ?? usual.pause,
    deviationMsMin: written.minDeviation ?? usual.minDeviation,
    probeTimeoutMs: written.probeTimeout ?? usual.probeTimeout,
    threshold,
    helpers,
    ceilingMs: ceiling,
    suspicion: { multiplier: suspicion, longest: SUSPICION_LONGEST, probeMs: heartbeatMs },
  }
}

/** Between two looks at who is silent, in ms: half a heartbeat. */
export function lookEveryMs({ heartbeatMs }: WatchSettings): number {
  return Math.max(5, heartbeatMs / 2)
}
