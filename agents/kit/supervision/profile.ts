/** How closely threads are watched, and what is kept ready for when one falls. Times in ms. */
export interface Profile {
  /** How often a thread shows that it turns. */
  readonly beatMs: number
  /** How often the supervisor looks. */
  readonly lookMs: number
  /** How long a heartbeat may stand still on an idle machine. */
  readonly deadlineMs: number
  /** How far a starved machine stretches the deadline at most. */
  readonly stretchMax: number
  /** How long a thread may take to stop by itself. */
  readonly stopMsMax: number
  /** Keeps one thread with all modules of the roster loaded: to start and to load are most of what a restart takes. */
  readonly hasSpare: boolean
}

/**
 * `default` wakes an idle thread ten times a second, and takes a second of silence for a hang: less is seen on machines that
 * do other work. `fast` is for those with a core to spare: ten times as many wake-ups, some 15 MB for the spare thread, and
 * a thread that hangs is found, ended and reported in some 100 ms.
 */
export const PROFILES = {
  default: { beatMs: 100, lookMs: 100, deadlineMs: 1_000, stretchMax: 8, stopMsMax: 1_000, hasSpare: false },
  fast: { beatMs: 10, lookMs: 10, deadlineMs: 50, stretchMax: 40, stopMsMax: 50, hasSpare: true },
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof PROFILES
