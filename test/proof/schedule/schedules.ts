import type { Director, Run, Stretch } from './director.ts'

/** How far from "one after the other" schedules may be. */
export interface Bounds {
  /** How often an actor that could go on is made to stand while another takes a step. */
  readonly preemptions: number
  readonly deaths: number
}

export interface Findings {
  readonly schedules: number
  readonly steps: number
  /** The first schedule that went wrong, and what did. */
  readonly wrong?: { readonly what: string; readonly schedule: string }
}

/** Further into one stretch an actor spins, and nothing new comes of interrupting it. */
const SPIN = 60

interface Branch {
  readonly schedule: readonly Stretch[]
  /** Steps the schedule asks for. */
  readonly length: number
  readonly preemptions: number
  readonly deaths: number
}

/**
 * Plays every schedule within the bounds, each once: first the one without any, then, for each step of it, those in
 * which another actor takes the next step, or the one that ran dies there; and so on from each of these. Stops at the
 * first that goes wrong.
 */
export function playAll(director: Director, bounds: Bounds): Findings {
  const branches: Branch[] = [{ schedule: [], length: 0, preemptions: 0, deaths: 0 }]
  let schedules = 0
  let steps = 0
  for (let branch = branches.pop(); branch !== undefined; branch = branches.pop()) {
    let run = director.run(branch.schedule)
    if (!run.isFeasible) continue
    schedules++
    steps += run.taken.length
    // Once more: a machine that stood still for seconds lets patience run out, which is not the schedule's doing.
    if (run.wrong !== undefined) run = director.run(branch.schedule)
    if (run.wrong !== undefined) return { schedules, steps, wrong: { what: run.wrong, schedule: print(director, run) } }
    branches.push(...branchesOf(director, branch, run, bounds))
  }
  return { schedules, steps }
}

function* branchesOf(director: Director, branch: Branch, run: Run, bounds: Bounds): Generator<Branch> {
  const { roles } = director.scenario
  const { taken, endedAt, death } = run
  let inStretch = 0
  for (let at = 0; at < taken.length; at++) {
    const actor = taken[at]!.actor
    const isSwitch = at === 0 || taken[at - 1]!.actor !== actor
    inStretch = isSwitch ? 0 : inStretch + 1
    if (at < branch.length || inStretch > SPIN) continue
    const preemptions = branch.preemptions + (isSwitch ? 0 : 1)
    for (let other = 0; other < roles.length && preemptions <= bounds.preemptions; other++) {
      if (other === actor || endedAt[other]! <= at) continue
      // Whoever was stopped because it spins, or sleeps, is let on by a change only.
      if (isSwitch && at > 0 && other === taken[at - 1]!.actor) continue
      if (roles[other]!.isSupervisor && (death === undefined || death.at > at)) continue
      yield {
        schedule: [...stretchesOf(run, at), { actor: other, steps: 1 }],
        length: at + 1,
        preemptions,
        deaths: branch.deaths,
      }
    }
    // Only whoever ran dies: that another dies where it stands is the same as if it had died when it came to stand.
    if (!isSwitch && !roles[actor]!.isSupervisor && branch.deaths < bounds.deaths) {
      yield {
        schedule: [...stretchesOf(run, at), { dies: actor }],
        length: at,
        preemptions: branch.preemptions,
        deaths: branch.deaths + 1,
      }
    }
  }
}

/** What was done in a run before its step `end`, as a schedule. */
function stretchesOf({ taken, death }: Run, end: number): Stretch[] {
  const stretches: Stretch[] = []
  for (let at = 0; at < end; ) {
    const { actor } = taken[at]!
    let to = at
    while (to < end && taken[to]!.actor === actor && (to === at || to !== death?.at)) to++
    if (death?.at === at) stretches.push({ dies: death.actor })
    stretches.push({ actor, steps: to - at })
    at = to
  }
  if (death?.at === end) stretches.push({ dies: death.actor })
  return stretches
}

/** A schedule as one reads it: a line per step, a blank line where another actor goes on. */
function print({ scenario }: Director, { taken, death }: Run): string {
  const lines: string[] = []
  taken.forEach(({ actor, operation, word }, at) => {
    if (death?.at === at) lines.push('', `${scenario.roles[death.actor]!.name}: dies`)
    if (at === 0 || taken[at - 1]!.actor !== actor) lines.push('')
    lines.push(`${scenario.roles[actor]!.name}: ${operation} ${scenario.nameOf(word)}`)
  })
  if (death?.at === taken.length) lines.push('', `${scenario.roles[death.actor]!.name}: dies`)
  return lines.join('\n')
}
