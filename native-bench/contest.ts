/**
 * Several sides do the same thing, in turns: what the machine does besides befalls all of them, and only how many times as much one takes
 * as another is a figure to keep.
 *
 *     round 1    a ── b ── c ──
 *     round 2    ── b ── c ── a      who begins moves on by one
 *       …                            times = b ÷ a, c ÷ a of each round, or a ÷ b, a ÷ c where more is better; then the median over the rounds
 */
export interface Contest {
  /** As in `ring/64 bytes`: first what it is about. */
  readonly name: string
  /** What a turn yields. The first is the one that sides are compared by. */
  readonly figures: readonly Figure[]
  /** Turns that count, and turns before them that do not. */
  readonly rounds: number
  readonly warmUp: number
  /** The first is what the others are held against. */
  readonly sides: readonly Side[]
}

export interface Figure {
  readonly name: string
  /** Nanoseconds are shown in whatever people would say. */
  readonly unit: 'ns' | '/s' | 'bytes' | ''
  /** As of requests per second. Default: less is better. */
  readonly isMoreBetter?: boolean
}

export interface Side {
  readonly name: string
  /** Starts what it needs. Undefined where this machine does not have it: then it is left out, and that is told. */
  begin(): Promise<Contestant | undefined>
}

export interface Contestant {
  /** One turn: a number for each figure of the contest, in their order; NaN for one it cannot tell. */
  turn(): Promise<readonly number[]> | readonly number[]
  close(): Promise<void>
}

/** How a side did. */
export interface Standing {
  readonly contest: string
  readonly side: string
  readonly figures: readonly Spread[]
  /** So many times worse than the first side, by the first figure; less than 1: better. */
  readonly times: Spread
  readonly rounds: number
}

/** The middle one, and those at a tenth and at nine tenths of the rounds. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** All sides that this machine has, in their order. None when it does not have the first. */
export async function compete(contest: Contest): Promise<Standing[]> {
  const begun: { readonly name: string; readonly contestant: Contestant; readonly turns: (readonly number[])[] }[] = []
  try {
    for (const side of contest.sides) {
      const contestant = await side.begin()
      if (contestant !== undefined) begun.push({ name: side.name, contestant, turns: [] })
      else if (side === contest.sides[0]) return []
    }
    for (let round = -contest.warmUp; round < contest.rounds; round++) {
      for (let i = 0; i < begun.length; i++) {
        const { contestant, turns } = begun[(i + round + contest.warmUp) % begun.length]!
        const figures = await contestant.turn()
        if (figures.length !== contest.figures.length) {
          throw new Error(`${contest.name}: a turn tells ${contest.figures.length} figures, this one ${figures.length}`)
        }
        if (round >= 0) turns.push(figures)
      }
    }
  } finally {
    for (const { contestant } of begun.toReversed()) await contestant.close()
  }
  const first = begun[0]!
  const isMoreBetter = contest.figures[0]!.isMoreBetter === true
  return begun.map(({ name, turns }) => ({
    contest: contest.name,
    side: name,
    figures: contest.figures.map((_, i) => spreadOf(turns.map(turn => turn[i]!))),
    times: spreadOf(
      turns.map(([own = Number.NaN], round) => {
        const of = first.turns[round]![0]!
        return isMoreBetter ? of / own : own / of
      }),
    ),
    rounds: contest.rounds,
  }))
}

/** Of the numbers among them. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.filter(value => !Number.isNaN(value)).sort((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  return { median: at(0.5), low: at(0.1), high: at(0.9) }
}

/** Nanoseconds of each of so many calls, one after the other. */
export function nsEach(times: number, batch: (times: number) => void): number {
  const since = performance.now()
  batch(times)
  return ((performance.now() - since) * 1e6) / times
}

/** A package to compare with, which only whoever develops signalbox has; undefined where it is not installed. */
export async function ofPeer<Module>(load: () => Promise<Module>): Promise<Module | undefined> {
  try {
    return await load()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}
