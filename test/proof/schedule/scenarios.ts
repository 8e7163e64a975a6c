import { breakerScenario, lateFailureScenario } from './breaker-scenario.ts'
import { choiceTablesScenario } from './choice-tables-scenario.ts'
import { limitsScenario, seatChangesScenario } from './limits-scenario.ts'
import { outcomesScenario } from './outcomes-scenario.ts'
import { ringScenario } from './ring-scenario.ts'
import { rowsScenario } from './rows-scenario.ts'
import type { Scenario } from './scenario.ts'
import { seatsScenario } from './seats-scenario.ts'
import { slotsScenario } from './slots-scenario.ts'
import { writersScenario } from './writers-scenario.ts'

/** Every scenario by name: actors are told the name and find the rest here. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'one reader, one writer of slots': slotsScenario(1, 3),
  'two readers, one writer of slots': slotsScenario(2, 2),
  'two writers race for the right to write': writersScenario(),
  'choice tables are built and read': choiceTablesScenario(),
  'a row is removed and reused while it is picked': rowsScenario(),
  'seats are taken and freed': seatsScenario(),
  'outcomes are reported and drained': outcomesScenario(),
  'two writers and a reader of a ring': ringScenario(),
  'two threads in a service with room for one': limitsScenario({
    threads: 2,
    picks: 2,
    requests: 1,
    endpointRequests: 0,
  }),
  'two threads at an endpoint with room for one': limitsScenario({
    threads: 2,
    picks: 2,
    requests: 0,
    endpointRequests: 1,
  }),
  'three threads, two places, one endpoint with one': limitsScenario({
    threads: 3,
    picks: 1,
    requests: 2,
    endpointRequests: 1,
  }),
  'a seat with a request in flight changes hands': seatChangesScenario(),
  'two requests fail at one moment, and a probe fails': breakerScenario([
    ['error', 'error'],
    ['error', 'ok'],
  ]),
  'a request fails while its row is given to another tenant': lateFailureScenario(),
  'a request fails while another thread closes the breaker': breakerScenario([['error', 'ok'], ['error']]),
}
