import type { Change, Scenario } from './world.ts'

/** Eight machines of four cores, requests of 20 ms: 1,600 a second at most. */
const EIGHT = { cores: [4, 4, 4, 4, 4, 4, 4, 4], workMs: 20, cv: 1 }

const homogeneous: Scenario = { ...EIGHT, name: 'homogeneous', rate: 1100, changes: () => [] }

/** One works at a fifth of the speed of the others, from the beginning. */
const oneSlow: Scenario = {
  ...EIGHT,
  name: 'one-slow',
  rate: 1000,
  changes: () => [{ atMs: 0, origin: 3, speed: 0.2 }],
}

/** Each slows down to a fifth for two seconds in thirty, as for a collection of garbage, at a time of its own. */
const periodic: Scenario = {
  ...EIGHT,
  name: 'periodic',
  rate: 1000,
  changes: (chance, untilMs) =>
    EIGHT.cores.flatMap((_, origin) => {
      const firstMs = chance() * 30_000
      return range(untilMs / 30_000).flatMap((i): Change[] => [
        { atMs: firstMs + i * 30_000, origin, speed: 0.2 },
        { atMs: firstMs + i * 30_000 + 2000, origin, speed: 1 },
      ])
    }),
}

/** Load swings from 400 to 1,400 a second and back in half a minute, as it does in a day. */
const daily: Scenario = {
  ...EIGHT,
  name: 'daily',
  rate: 900,
  changes: (_, untilMs) =>
    range(untilMs / 500).map(i => ({ atMs: i * 500, rate: 900 + 500 * Math.sin((i / 60) * 2 * Math.PI) })),
}

/** Others on each machine take a share of it by chance, another one every few seconds. */
const antagonists: Scenario = {
  ...EIGHT,
  name: 'antagonists',
  rate: 850,
  changes: (chance, untilMs) =>
    EIGHT.cores.flatMap((_, origin) => {
      const changes: Change[] = []
      for (let atMs = 0; atMs < untilMs; atMs += 2000 + chance() * 8000) {
        changes.push({ atMs, origin, speed: chance() < 0.5 ? 1 : 0.25 + 0.75 * chance() })
      }
      return changes
    }),
}

/** Machines of one to eight cores and of two speeds; now and then one answers nothing but errors. */
const mixed: Scenario = {
  ...EIGHT,
  name: 'mixed',
  cores: [8, 8, 4, 4, 4, 2, 2, 1],
  rate: 850,
  changes: (chance, untilMs) => [
    ...[1, 3, 5].map(origin => ({ atMs: 0, origin, speed: 0.5 })),
    ...range(untilMs / 15_000).flatMap((i): Change[] => {
      const atMs = i * 15_000 + chance() * 10_000
      const origin = Math.floor(chance() * 8)
      return [
        { atMs, origin, failing: 1 },
        { atMs: atMs + 3000, origin, failing: 0 },
      ]
    }),
  ],
}

export const SCENARIOS: readonly Scenario[] = [homogeneous, oneSlow, periodic, daily, antagonists, mixed]

function range(count: number): number[] {
  return Array.from({ length: Math.ceil(count) }, (_, i) => i)
}
