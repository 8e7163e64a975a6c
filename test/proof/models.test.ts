import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AFFINITY_BROKEN, type AffinitySize, affinityModel } from './model/affinity.ts'
import { BREAKER_BROKEN, breakerModel } from './model/breaker.ts'
import { CHOICE_TABLES_BROKEN, choiceTablesModel } from './model/choice-tables.ts'
import { explore, type Model, type Verdict } from './model/explore.ts'
import { FACTS_BROKEN, factsModel } from './model/facts.ts'
import { LIMITS_BROKEN, limitsModel } from './model/limits.ts'
import { OUTCOME_RING_BROKEN, outcomeRingModel } from './model/outcome-ring.ts'
import { ringManyModel } from './model/ring-many-writers.ts'
import { RING_ONE_BROKEN, ringOneModel } from './model/ring-one-writer.ts'
import { RING_SLEEP_BROKEN, ringSleepModel } from './model/ring-sleep.ts'
import { RING_MANY_BROKEN } from './model/ring-words.ts'
import { ROWS_BROKEN, rowsModel } from './model/rows.ts'
import { SLOTS_BROKEN, slotsModel } from './model/slots.ts'
import { TRIAL_BROKEN, trialModel } from './model/trial.ts'

/** Larger worlds take a minute or two: SIGNALBOX_PROOF=full visits them, too. */
const IS_FULL = process.env.SIGNALBOX_PROOF === 'full'

/** One algorithm: worlds in which it must hold, and each way to break it, which one of the small worlds must catch. */
interface Algorithm<Variant extends string> {
  name: string
  promise: string
  broken: readonly Variant[]
  worlds: Record<string, (variant?: Variant) => Model>
  largeWorlds: Record<string, (variant?: Variant) => Model>
}

function prove<Variant extends string>({ name, promise, broken, worlds, largeWorlds }: Algorithm<Variant>): void {
  describe(`model of ${name}`, () => {
    for (const [world, model] of Object.entries({ ...worlds, ...(IS_FULL ? largeWorlds : {}) })) {
      test(`${promise}: ${world}`, t => {
        const verdict = explore(model())
        assert.equal(verdict.broken, undefined, tell(verdict))
        t.diagnostic(`${verdict.states} states, ${verdict.steps} steps, ${verdict.ends} ends`)
      })
    }
    for (const variant of broken) {
      test(`… and it is seen to break: ${variant}`, t => {
        let verdict: Verdict | undefined
        for (const model of Object.values(worlds)) {
          verdict = explore(model(variant))
          if (verdict.broken !== undefined) break
        }
        assert.ok(verdict?.broken !== undefined, 'no world catches it')
        t.diagnostic(tell(verdict))
      })
    }
  })
}

function tell({ broken, states }: Verdict): string {
  return broken === undefined ? '' : `${broken.what}, after ${states} states, by\n  ${broken.way.join('\n  ')}`
}

prove({
  name: 'pins and slots',
  promise: 'no reader sees a torn or an older slot, one is always free, and writing goes on after a death',
  broken: SLOTS_BROKEN,
  worlds: {
    'one reader, two writers, two deaths': v =>
      slotsModel({ readers: 1, moves: 2, writers: 2, publications: 1, deaths: 2 }, v),
    'two readers, one writer that publishes three times': v =>
      slotsModel({ readers: 2, moves: 2, writers: 1, publications: 3, deaths: 0 }, v),
    'two readers, two writers, one death': v =>
      slotsModel({ readers: 2, moves: 1, writers: 2, publications: 1, deaths: 1 }, v),
  },
  largeWorlds: {
    'two readers, one writer that publishes three times, one death': v =>
      slotsModel({ readers: 2, moves: 2, writers: 1, publications: 3, deaths: 1 }, v),
    'one reader, two writers that publish twice, two deaths': v =>
      slotsModel({ readers: 1, moves: 3, writers: 2, publications: 2, deaths: 2 }, v),
    'two readers, two writers, two deaths': v =>
      slotsModel({ readers: 2, moves: 1, writers: 2, publications: 1, deaths: 2 }, v),
  },
})

prove({
  name: 'choice tables',
  promise: 'no reader sees a torn table, the live slot names a whole one, and building goes on after a death',
  broken: CHOICE_TABLES_BROKEN,
  worlds: {
    'one reader, one builder of two tables, one edit, one death': v =>
      choiceTablesModel({ readers: 1, moves: 2, builders: 1, builds: 2, edits: 1, deaths: 1 }, v),
    'one reader, a builder and its heir, one death': v =>
      choiceTablesModel({ readers: 1, moves: 1, builders: 2, builds: 1, edits: 0, deaths: 1 }, v),
    'one reader, one builder of three tables': v =>
      choiceTablesModel({ readers: 1, moves: 2, builders: 1, builds: 3, edits: 1, deaths: 0 }, v),
  },
  largeWorlds: {
    'two readers, one builder of two tables, one edit, one death': v =>
      choiceTablesModel({ readers: 2, moves: 1, builders: 1, builds: 2, edits: 1, deaths: 1 }, v),
    'one reader, a builder and its heir, two deaths': v =>
      choiceTablesModel({ readers: 1, moves: 2, builders: 2, builds: 1, edits: 0, deaths: 2 }, v),
    'one reader, a builder and its heir, one edit, two deaths': v =>
      choiceTablesModel({ readers: 1, moves: 1, builders: 2, builds: 1, edits: 1, deaths: 2 }, v),
  },
})

prove({
  name: 'the reuse of rows',
  promise: 'nobody picks another tenant than listed, no ticket loses its row, nothing stays in flight',
  broken: ROWS_BROKEN,
  worlds: {
    'two readers, one death': v => rowsModel({ readers: 2, picks: 2, tenants: 1, deaths: 1 }, v),
    'one reader, three tenants, one death': v => rowsModel({ readers: 1, picks: 3, tenants: 2, deaths: 1 }, v),
  },
  largeWorlds: {
    'two readers, three tenants, one death': v => rowsModel({ readers: 2, picks: 2, tenants: 2, deaths: 1 }, v),
    'two readers, two deaths': v => rowsModel({ readers: 2, picks: 2, tenants: 1, deaths: 2 }, v),
  },
})

prove({
  name: 'the outcome ring',
  promise: 'what is accepted is heard once, whole and in order; the rest is counted',
  broken: OUTCOME_RING_BROKEN,
  worlds: { 'three reports, one death': v => outcomeRingModel(3, 1, v) },
  largeWorlds: { 'four reports, two deaths': v => outcomeRingModel(4, 2, v) },
})

prove({
  name: 'the ring with one writer',
  promise: 'what is accepted is heard once, whole and in order, whoever dies',
  broken: RING_ONE_BROKEN,
  worlds: { 'three records, two deaths': v => ringOneModel([1, 2, 2], 2, v) },
  largeWorlds: { 'six records, two deaths': v => ringOneModel([1, 2, 2, 1, 1, 2], 2, v) },
})

prove({
  name: 'the ring with many writers',
  promise: 'what is accepted is heard once, whole and in order, and the reader goes on whoever dies',
  broken: RING_MANY_BROKEN,
  worlds: {
    'both writers die': v => ringManyModel({ sizes: [[2], [1]], deaths: 2 }, v),
    'a writer dies near a wrap': v => ringManyModel({ sizes: [[2], [1, 2]], deaths: 1 }, v),
    'a writer or the reader dies': v => ringManyModel({ sizes: [[1], [1, 1]], deaths: 1, readerDies: true }, v),
  },
  largeWorlds: {
    'three writers, two deaths': v => ringManyModel({ sizes: [[2], [1], [1]], deaths: 2 }, v),
    'both writers and the reader die': v => ringManyModel({ sizes: [[2], [1, 1]], deaths: 3, readerDies: true }, v),
  },
})

prove({
  name: 'sleeping at a ring',
  promise: 'no wake-up is lost',
  broken: RING_SLEEP_BROKEN,
  worlds: { 'two writers of two records': v => ringSleepModel(2, v) },
  largeWorlds: { 'two writers of five records': v => ringSleepModel(5, v) },
})

/** A world in each order in which plain words may be written and be read. */
function inEveryOrder(size: Omit<AffinitySize, 'order'>) {
  const words = ['key', 'ticket'] as const
  return Object.fromEntries(
    words.flatMap(writes =>
      words.map(reads => [
        `${size.writers.length} writers, ${size.deaths} deaths, the ${writes} is written and the ${reads} read first`,
        (v?: (typeof AFFINITY_BROKEN)[number]) => affinityModel({ ...size, order: { writes, reads } }, v),
      ]),
    ),
  )
}

prove({
  name: 'the affinity table',
  promise: 'no session is sent to a row where it was not kept whole, for that key and that tenant',
  broken: AFFINITY_BROKEN,
  worlds: {
    ...inEveryOrder({
      ways: 1,
      writers: [
        [
          { key: 1, row: 0 },
          { key: 2, row: 1 },
        ],
        [
          { key: 2, row: 0 },
          { key: 1, row: 1 },
        ],
      ],
      looks: 1,
      deaths: 2,
    }),
  },
  largeWorlds: {
    ...inEveryOrder({
      ways: 2,
      writers: [
        [
          { key: 1, row: 0 },
          { key: 2, row: 1 },
          { key: 1, row: 1 },
        ],
        [
          { key: 2, row: 0 },
          { key: 1, row: 1 },
          { key: 1, row: 0 },
        ],
      ],
      looks: 2,
      deaths: 3,
    }),
  },
})

prove({
  name: 'limits',
  promise: 'never more than may be are in flight, and nothing is left hanging',
  broken: LIMITS_BROKEN,
  worlds: {
    'two threads, one place, twice each, two deaths': v =>
      limitsModel({ threads: 2, turns: 2, service: 2, endpoint: 1, deaths: 2, heir: false }, v),
    'two threads, one place in the service, one death and an heir': v =>
      limitsModel({ threads: 2, turns: 1, service: 1, endpoint: 2, deaths: 1, heir: true }, v),
    'three threads, two places': v =>
      limitsModel({ threads: 3, turns: 1, service: 2, endpoint: 3, deaths: 0, heir: false }, v),
  },
  largeWorlds: {
    'three threads, two places, one at the endpoint, one death': v =>
      limitsModel({ threads: 3, turns: 1, service: 2, endpoint: 1, deaths: 1, heir: false }, v),
    'two threads, one place, one death and an heir, twice each': v =>
      limitsModel({ threads: 2, turns: 2, service: 2, endpoint: 1, deaths: 1, heir: true }, v),
  },
})

prove({
  name: 'the breaker',
  promise: 'one probe at a time and in its time, only probes close it, and it is never stuck',
  broken: BREAKER_BROKEN,
  worlds: {
    'two threads, a probe fails, one death': v =>
      breakerModel(
        {
          outcomes: [
            ['error', 'error'],
            ['error', 'ok'],
          ],
          failures: 1,
          probes: 1,
          deaths: 1,
        },
        v,
      ),
    'three threads, two of them probe, one death': v =>
      breakerModel({ outcomes: [['error', 'ok'], ['error'], ['ok']], failures: 1, probes: 1, deaths: 1 }, v),
    'two failures open it, two probes close it, one death': v =>
      breakerModel(
        {
          outcomes: [
            ['error', 'error', 'ok'],
            ['error', 'ok'],
          ],
          failures: 2,
          probes: 2,
          deaths: 1,
        },
        v,
      ),
  },
  largeWorlds: {
    'three threads, two requests each, one death': v =>
      breakerModel(
        {
          outcomes: [
            ['error', 'error'],
            ['error', 'ok'],
            ['error', 'ok'],
          ],
          failures: 1,
          probes: 1,
          deaths: 1,
        },
        v,
      ),
    'three threads, two failures open it, two deaths': v =>
      breakerModel(
        {
          outcomes: [
            ['error', 'ok'],
            ['error', 'error'],
            ['error', 'ok'],
          ],
          failures: 2,
          probes: 1,
          deaths: 2,
        },
        v,
      ),
    'two threads, four requests each, two deaths': v =>
      breakerModel(
        {
          outcomes: [
            ['error', 'error', 'ok', 'error'],
            ['error', 'ok', 'error', 'ok'],
          ],
          failures: 1,
          probes: 1,
          deaths: 2,
        },
        v,
      ),
  },
})

prove({
  name: 'facts and their revision',
  promise: 'once nobody changes them everybody goes by them',
  broken: FACTS_BROKEN,
  worlds: {
    'two readers, two facts, one death': v => factsModel({ readers: 2, facts: 2, changes: [0, 1, 0], deaths: 1 }, v),
  },
  largeWorlds: {
    'three readers, two facts, one death': v =>
      factsModel({ readers: 3, facts: 2, changes: [0, 1, 1, 0, 1], deaths: 1 }, v),
  },
})

prove({
  name: 'a change on trial',
  promise: 'every pick finds somebody, nobody but the canary picks what was not tried, and it ends all or nothing',
  broken: TRIAL_BROKEN,
  worlds: {
    'one that holds, two picks of each thread, two deaths': v => trialModel({ picks: 2, fails: false, deaths: 2 }, v),
    'one that fails, two picks of each thread, two deaths': v => trialModel({ picks: 2, fails: true, deaths: 2 }, v),
  },
  largeWorlds: {
    'one that holds, five picks of each thread, two deaths': v => trialModel({ picks: 5, fails: false, deaths: 2 }, v),
    'one that fails, five picks of each thread, two deaths': v => trialModel({ picks: 5, fails: true, deaths: 2 }, v),
  },
})
