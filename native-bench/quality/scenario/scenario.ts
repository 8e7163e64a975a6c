import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { readAs, withoutEchoes } from '../../../engine/config/check.ts'
import { type ConfigProblem, type Finding, formatPath, formatProblems } from '../../../engine/config/problems.ts'
import { readYaml } from '../../../engine/config/yaml-tree.ts'
import { contenderFinding } from '../contender.ts'
import { type Law, lawFindings, meanOf } from './law.ts'
import {
  type ChangeText,
  type DisturbanceText,
  type LoadText,
  type MachineText,
  type ScenarioText,
  scenarioSchema,
} from './schema.ts'

/** The scenarios that come with it, each a file; in the package as in the sources. */
const FOLDER = fileURLToPath(new URL('../../../../native-bench/quality/scenarios/', import.meta.url))

/** What befalls a service, at one point of a sweep. */
export interface Scenario {
  readonly machines: readonly MachineSpec[]
  readonly networkMs: number
  readonly load: LoadText
  /** Requests per second, of loads that have a rate. */
  readonly rate: number
  readonly patienceMs: number
  readonly fleet: Fleet
  readonly hasAgents: boolean
  readonly changes: readonly ChangeText[]
  readonly disturbances: readonly DisturbanceText[]
  readonly warmUpMs: number
  readonly spanMs: number
}

export interface MachineSpec extends Omit<MachineText, 'count' | 'work'> {
  readonly work: Law
}

/** Who routes: so many processes, each of so many threads that share what it knows. */
export interface Fleet {
  readonly nodes: number
  readonly threads: number
}

/** One point of a sweep, and what it is called; of a scenario without one the only point. */
export interface Point {
  readonly label: string
  /** Along the axis of the plot. */
  readonly at: number
  readonly scenario: Scenario
}

/** The names of those that come with it. */
export function scenarioNames(): string[] {
  return readdirSync(FOLDER)
    .filter(file => file.endsWith('.yaml'))
    .map(file => file.slice(0, -'.yaml'.length))
    .sort()
}

/** A scenario file, or all that is wrong with it, a line each as `file:line:column: path: message`. */
export async function readScenario(nameOrFile: string): Promise<{ text: ScenarioText } | { problems: string }> {
  const file = /[./\\]/.test(nameOrFile) ? nameOrFile : `${FOLDER}${nameOrFile}.yaml`
  let written: string
  try {
    written = await readFile(file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason =
      code === 'ENOENT'
        ? `there is none; there are ${scenarioNames().join(', ')}, or name a file with its ending`
        : message
    return { problems: `Cannot read scenario ${nameOrFile}: ${reason}` }
  }
  const read = parseScenario(written)
  return 'text' in read ? read : { problems: formatProblems(nameOrFile, read.problems) }
}

export function parseScenario(written: string): { text: ScenarioText } | { problems: ConfigProblem[] } {
  const yaml = readYaml(written)
  const findings = [...yaml.findings]
  if (!yaml.isBroken && findings.length === 0) {
    const read = readAs(scenarioSchema, yaml.tree)
    findings.push(...('value' in read ? disagreements(read.value) : read.findings))
    if ('value' in read && findings.length === 0) return { text: read.value }
  }
  const problems = withoutEchoes(findings, yaml.tree).map(
    ({ path, message, isOnKey = false, offset = yaml.offsetOf(path, isOnKey) }) => {
      return { ...yaml.placeOf(offset), path: formatPath(path), message }
    },
  )
  return { problems }
}

const LOADS = ['rate', 'share', 'concurrency', 'callers'] as const

/** What is right each for itself and does not go together. */
function disagreements({
  machines,
  work,
  load,
  sweep,
  agents,
  fleet,
  changes,
  disturbances,
  contenders,
}: ScenarioText): Finding[] {
  const findings: Finding[] = []
  const find = (message: string, ...path: (string | number)[]): void => void findings.push({ path, message })
  if (work !== undefined) findings.push(...lawFindings(work, ['work']))
  let count = 0
  for (const [i, machine] of machines.entries()) {
    count += machine.count
    if (machine.cores !== undefined && machine.slots !== undefined)
      find('has cores as well; write one of them', 'machines', i, 'slots')
    if (machine.work !== undefined) findings.push(...lawFindings(machine.work, ['machines', i, 'work']))
    else if (work === undefined) find('missing; write it here, or for all machines', 'machines', i, 'work')
  }
  const loads = LOADS.filter(key => load[key] !== undefined)
  if (loads.length !== 1 && !(loads.length === 0 && sweep?.share !== undefined)) {
    find(`has ${loads.join(' and ') || 'none of its keys'}; write one of ${LOADS.join(', ')}`, 'load')
  }
  if ((load.callers === undefined) !== (load.every === undefined))
    find('callers and every go together; write both', 'load')
  if (load.swing !== undefined && load.rate === undefined && load.share === undefined)
    find('only rate and share swing', 'load', 'swing')
  const isLimited = machines.every(({ cores, slots }) => cores !== undefined || slots !== undefined)
  if ((load.share !== undefined || sweep?.share !== undefined) && !isLimited) {
    find('there is no such share: some machines have neither cores nor slots', 'load')
  }
  if (sweep !== undefined && Object.values(sweep).filter(each => each !== undefined).length !== 1) {
    find('write one of share, threads, nodes', 'sweep')
  }
  const nodes = Math.max(fleet.nodes, ...(sweep?.nodes ?? []))
  for (const [i, each] of contenders.entries()) {
    const fault = contenderFinding(each)
    if (fault !== undefined) find(fault, 'contenders', i)
  }
  if (agents && nodes > 4) find(`run on 4 nodes at most, there are ${nodes}`, 'agents')
  for (const [key, list] of Object.entries({ changes, disturbances })) {
    for (const [i, { machines: of = [] }] of list.entries()) {
      const absent = of.find(index => index >= count)
      if (absent !== undefined)
        find(`there is no machine ${absent}; they go from 0 to ${count - 1}`, key, i, 'machines')
    }
  }
  return findings
}

/** Each point of its sweep. */
export function pointsOf(text: ScenarioText): Point[] {
  const { share, threads, nodes } = text.sweep ?? {}
  if (share !== undefined) {
    return share.map(at => {
      const { swing } = text.load
      return {
        label: `${Math.round(at * 100)} %`,
        at,
        scenario: scenarioOf(text, { share: at, ...(swing && { swing }) }, text.fleet),
      }
    })
  }
  if (threads !== undefined) {
    return threads.map(at => ({
      label: `${at}`,
      at,
      scenario: scenarioOf(text, text.load, { ...text.fleet, threads: at }),
    }))
  }
  if (nodes !== undefined) {
    return nodes.map(at => ({
      label: `${at}`,
      at,
      scenario: scenarioOf(text, text.load, { ...text.fleet, nodes: at }),
    }))
  }
  return [{ label: '', at: 0, scenario: scenarioOf(text, text.load, text.fleet) }]
}

function scenarioOf(text: ScenarioText, load: LoadText, fleet: Fleet): Scenario {
  const machines = text.machines.flatMap(({ count, work = text.work!, ...spec }) =>
    Array.from({ length: count }, (): MachineSpec => ({ ...spec, work })),
  )
  // What all of them do in a second, in requests.
  const capacity = machines.reduce(
    (sum, { cores, slots, speed, work }) => sum + (((cores ?? slots ?? 0) * speed) / meanOf(work)) * 1000,
    0,
  )
  return {
    ...{ machines, load, fleet },
    rate: load.rate ?? (load.share ?? 0) * capacity,
    networkMs: text.network,
    patienceMs: text.patience,
    hasAgents: text.agents,
    changes: text.changes,
    disturbances: text.disturbances,
    warmUpMs: text.warmUp,
    spanMs: text.span,
  }
}
