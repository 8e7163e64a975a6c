import { byUtilisation, evenChance } from './blind.ts'
import { c3 } from './c3.ts'
import { finaglePeakEwma } from './finagle-peak-ewma.ts'
import { envoyLeastRequest, haproxyLeastconn, leastLoaded, nginxLeastConn, nginxRandomTwo } from './least-loaded.ts'
import { oracle } from './oracle.ts'
import { linear, prequalProbes } from './probes.ts'
import type { Rule } from './rule.ts'
import { yarpTwoChoices } from './yarp-two-choices.ts'

/** How others choose, and the bound. Scenarios, docs and tests enumerate this list. */
export const RULES: readonly Rule[] = [
  byUtilisation,
  c3,
  envoyLeastRequest,
  evenChance,
  finaglePeakEwma,
  haproxyLeastconn,
  leastLoaded,
  linear,
  nginxLeastConn,
  nginxRandomTwo,
  oracle,
  prequalProbes,
  yarpTwoChoices,
]
