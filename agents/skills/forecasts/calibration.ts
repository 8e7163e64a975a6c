/** What came of what was predicted with about one probability. Weights, for old outcomes count less. */
export interface Bin {
  readonly predictions: number
  readonly cameTrue: number
  /** Sum of what was predicted. */
  readonly claimed: number
  /** Sum of (claimed − what came)². */
  readonly squares: number
}

/** Ten bins: 0 to 0.1, 0.1 to 0.2 … */
export type Calibration = readonly Bin[]

const BINS = 10
/** After so many more in its bin a prediction counts a bit more than a third. */
const MEMORY = 200
/** The model's own word counts as much as so many outcomes: with few, it is believed. */
const PRIOR = 5

export const NO_CALIBRATION: Calibration = Array.from({ length: BINS }, () => ({
  predictions: 0,
  cameTrue: 0,
  claimed: 0,
  squares: 0,
}))

/** Learns what came of a prediction. */
export function learnOutcome(calibration: Calibration, probability: number, hasCome: boolean): Calibration {
  const bin = binOf(probability)
  const came = hasCome ? 1 : 0
  const kept = 1 - 1 / MEMORY
  const { predictions, cameTrue, claimed, squares } = calibration[bin]!
  return calibration.with(bin, {
    predictions: predictions * kept + 1,
    cameTrue: cameTrue * kept + came,
    claimed: claimed * kept + probability,
    squares: squares * kept + (probability - came) ** 2,
  })
}

/** What was learned, as much less as it is older: of few outcomes long ago it is not to be concluded for ever. */
export function faded(calibration: Calibration, kept: number): Calibration {
  if (calibration === NO_CALIBRATION) return calibration
  return calibration.map(({ predictions, cameTrue, claimed, squares }) => ({
    ...{ predictions: predictions * kept, cameTrue: cameTrue * kept },
    ...{ claimed: claimed * kept, squares: squares * kept },
  }))
}

/**
 * What a model's probability has come to in the past: of a hundred predictions that are now given as 0.8 some eighty come true.
 *
 *   rate(bin) = (came true + k × claimed mean) ÷ (predictions + k)       k = 5
 *
 * made monotone by pooling neighbours that are out of order, and read between the middles of bins along straight lines.
 *
 * Source  isotonic calibration (Zadrozny and Elkan 2002) over reliability bins; pool adjacent violators.
 */
export function calibrated(calibration: Calibration, probability: number): number {
  let rates = known.get(calibration)
  if (rates === undefined) known.set(calibration, (rates = ratesOf(calibration)))
  const place = Math.max(0, Math.min(1, probability)) * BINS - 0.5
  const [low, high] = [Math.max(0, Math.floor(place)), Math.min(BINS - 1, Math.ceil(place))]
  const part = Math.max(0, Math.min(1, place - low))
  return rates[low]! + (rates[high]! - rates[low]!) * (low === high ? 0 : part)
}

/** Mean of (claimed − what came)², from 0, always right, to 1; 0.25 is what a coin gets. Undefined before anything came. */
export function brierScore(calibration: Calibration): number | undefined {
  const predictions = calibration.reduce((sum, bin) => sum + bin.predictions, 0)
  return predictions === 0 ? undefined : calibration.reduce((sum, bin) => sum + bin.squares, 0) / predictions
}

/** Worked out once for each: many are asked in between two outcomes. */
const known = new WeakMap<Calibration, readonly number[]>()

function ratesOf(calibration: Calibration): readonly number[] {
  return monotone(
    calibration.map(({ predictions, cameTrue, claimed }, i) => {
      const middle = predictions === 0 ? (i + 0.5) / BINS : claimed / predictions
      return { rate: (cameTrue + PRIOR * middle) / (predictions + PRIOR), weight: predictions + PRIOR }
    }),
  )
}

function monotone(bins: readonly { rate: number; weight: number }[]): number[] {
  const pools: { rate: number; weight: number; size: number }[] = []
  for (const { rate, weight } of bins) {
    let pool = { rate, weight, size: 1 }
    for (let last = pools.at(-1); last !== undefined && last.rate > pool.rate; last = pools.at(-1)) {
      pools.pop()
      const sum = last.weight + pool.weight
      pool = {
        rate: (last.rate * last.weight + pool.rate * pool.weight) / sum,
        weight: sum,
        size: last.size + pool.size,
      }
    }
    pools.push(pool)
  }
  return pools.flatMap(({ rate, size }) => Array.from({ length: size }, () => rate))
}

function binOf(probability: number): number {
  return Math.max(0, Math.min(BINS - 1, Math.floor(probability * BINS)))
}
